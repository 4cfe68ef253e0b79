// Package main sells tickets.
package main

// Fare is what age pays, in cents: children under six ride free, half fare up to fourteen.
func Fare(age int) int {
	switch {
	case age <= 6:
		return 0
	case age <= 14:
		return 120
	}
	return 240
}
