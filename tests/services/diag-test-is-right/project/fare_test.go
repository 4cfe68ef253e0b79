package main

import "testing"

func TestSixYearOldsPay(t *testing.T) {
	if got := Fare(6); got != 120 {
		t.Fatalf("a child of six pays %d", got)
	}
}
