package shop;

final class Vowels {
    static long count(String text) {
        return text.chars().filter(c -> "aeiou".indexOf(c) >= 0).count();
    }
}
