package vault

import (
	"errors"
	"iter"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/translog"
)

// Expired iterates over what the channels' policies want deleted on a day (UTC,
// "2006-01-02"), as [Vault.Delete] takes it: what everybody acknowledged whom
// [Vault.AckedByAll] asks, the last one at least [Policy.Retention] days ago, and
// what is older than [Policy.Limit]. Nothing else expires: what one of them has not
// acknowledged, or nobody can, is kept unless the channel has a limit, and what has a
// damaged header is passed over. It stops at the first error.
func (v *Vault) Expired(today string) iter.Seq2[Deletion, error] {
	return func(yield func(Deletion, error) bool) {
		policies := map[string]Policy{}
		for e, err := range v.Entries() {
			if e.ID != (ID{}) && errors.Is(err, ErrDamaged) {
				continue
			}
			reason := ""
			if err == nil {
				reason, err = v.expired(e, today, policies)
			}
			if err != nil {
				yield(Deletion{}, err)
				return
			}
			if reason != "" && !yield(Deletion{ID: e.ID, Reason: reason}, nil) {
				return
			}
		}
	}
}

// expired returns the reason why a submission goes, or "".
func (v *Vault) expired(e Entry, today string, policies map[string]Policy) (reason string, err error) {
	p, known := policies[e.Channel]
	if !known {
		err := v.view(func(tx *bolt.Tx) (err error) {
			p, err = policy(tx, e.Channel)
			return err
		})
		if err != nil {
			return "", err
		}
		policies[e.Channel] = p
	}
	days, err := age(e.Day, today)
	if err != nil {
		return "", err
	}
	if p.Limit > 0 && days > p.Limit {
		return translog.ByLimit, nil
	}
	if p.Retention == 0 {
		return "", nil
	}
	last, all, err := v.ackedByAll(e)
	if err != nil || !all {
		return "", err
	}
	if days, err = age(last, today); err != nil || days < p.Retention {
		return "", err
	}
	return translog.ByRetention, nil
}
