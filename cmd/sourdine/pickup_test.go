package main

import (
	"errors"
	"testing"

	"sourdine/journalist-ui/pickup"
	"sourdine/vault/admin"
)

// The page does not ask for a return parcel that a restoration made void.
func TestPickupRefusalOfNumbers(t *testing.T) {
	for _, c := range []struct {
		err  admin.SequenceError
		want string
	}{
		{admin.SequenceError{Got: 1, Expected: 3}, pickup.RefusedOlder},
		{admin.SequenceError{Got: 3, Expected: 2}, pickup.RefusedMissing},
		{admin.SequenceError{Got: 3, Expected: 2, Restored: true}, pickup.RefusedRestored},
		{admin.SequenceError{Got: 1, Expected: 2, Restored: true}, pickup.RefusedOlder},
	} {
		var refusal *pickup.Refusal
		if err := pickupRefusal(&c.err); !errors.As(err, &refusal) || refusal.Reason != c.want || refusal.Got != c.err.Got || refusal.Expected != c.err.Expected {
			t.Errorf("%+v: %v", c.err, err)
		}
	}
}
