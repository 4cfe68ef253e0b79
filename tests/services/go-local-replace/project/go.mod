module example.org/ledger

go 1.23

require example.org/money v0.0.0

replace example.org/money => ./libs/money
