module example.org/fare

go 1.23
