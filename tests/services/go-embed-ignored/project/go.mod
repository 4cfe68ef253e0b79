module example.org/almanac

go 1.23
