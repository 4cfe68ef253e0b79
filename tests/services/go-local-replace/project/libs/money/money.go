package money

import "fmt"

// Cents is an amount; it never becomes a float.
type Cents int64

func (c Cents) String() string { return fmt.Sprintf("%d.%02d", int64(c)/100, int64(c)%100) }
