package vault

import (
	"fmt"
	"time"
)

// today is the day that the log is told: UTC, and nothing finer.
func today() string { return time.Now().UTC().Format(time.DateOnly) }

// age is how many days lie between two days, both "2006-01-02": negative when
// the first is the later one.
func age(day, today string) (int, error) {
	from, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, fmt.Errorf("not a day: %w", err)
	}
	to, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return 0, fmt.Errorf("not a day: %w", err)
	}
	// Days in UTC have 24 hours each.
	return int(to.Sub(from) / (24 * time.Hour)), nil
}
