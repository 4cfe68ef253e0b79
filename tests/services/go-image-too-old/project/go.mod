module example.org/shuffle

go 1.23.0
