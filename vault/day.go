package vault

import (
	"context"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// keyDay is where the last day is that the server knew to be right.
var keyDay = []byte("day")

// LastDay returns what [Vault.SetLastDay] kept (UTC, "2006-01-02"); "" before the
// first time.
func (v *Vault) LastDay() (day string, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		raw, err := get(tx.Bucket(bucketMeta), keyDay)
		day = string(raw)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("the last day that was seen: %w", err)
	}
	return day, nil
}

// SetLastDay keeps a day (UTC, "2006-01-02"), and nothing finer, to tell later that
// a clock went wrong.
func (v *Vault) SetLastDay(ctx context.Context, day string) error {
	if _, err := age(day, day); err != nil {
		return err
	}
	return v.update(ctx, len(day), func(tx *bolt.Tx) error { return put(tx.Bucket(bucketMeta), keyDay, []byte(day)) })
}

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
