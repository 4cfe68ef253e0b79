package words

import "testing"

func TestCount(t *testing.T) {
	if got := Count("  two words "); got != 2 {
		t.Fatal(got)
	}
}
