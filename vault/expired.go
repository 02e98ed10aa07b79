package vault

import (
	"errors"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/translog"
)

// Expired iterates over what the channels' policies want deleted on a day (UTC,
// "2006-01-02"), as [Vault.Delete] takes it: what everybody acknowledged whom
// [Vault.AckedByAll] asks, at least [Policy.Retention] days after the last one did
// and after the channel's roster changed last, and what is older than
// [Policy.Limit]. Nothing else expires: what one of them has not acknowledged, or
// nobody can, is kept unless the channel has a limit.
//
// What is damaged does not expire, and holds nothing else up: it is an error that
// wraps [ErrDamaged], with the submission's ID, or without one for a channel whose
// policy is, once; the next ones follow. It stops at any other error.
func (v *Vault) Expired(today string) iter.Seq2[Deletion, error] {
	return func(yield func(Deletion, error) bool) {
		policies := map[string]policyRead{}
		for e, err := range v.Entries() {
			d := Deletion{ID: e.ID}
			if err == nil {
				d, err = v.expired(e, today, policies)
			}
			if err == nil && d.Reason == "" {
				continue
			}
			if !yield(d, err) || err != nil && !errors.Is(err, ErrDamaged) {
				return
			}
		}
	}
}

// A policyRead is a channel's policy, or that it was told already that there is
// none.
type policyRead struct {
	storedPolicy
	damaged bool
}

// expired returns with which reason a submission goes, if any.
func (v *Vault) expired(e Entry, today string, policies map[string]policyRead) (Deletion, error) {
	p, known := policies[e.Channel]
	if !known {
		err := v.view(func(tx *bolt.Tx) (err error) {
			p.storedPolicy, err = policy(tx, e.Channel)
			return err
		})
		p.damaged = errors.Is(err, ErrDamaged)
		policies[e.Channel] = p
		if err != nil {
			return Deletion{}, err
		}
	}
	if p.damaged {
		return Deletion{}, nil
	}
	reason, err := v.whyExpired(e, today, p.storedPolicy)
	if err != nil {
		err = fmt.Errorf("submission %s: %w", e.ID, err)
	}
	return Deletion{ID: e.ID, Reason: reason}, err
}

func (v *Vault) whyExpired(e Entry, today string, p storedPolicy) (reason string, err error) {
	// Who sent something before there was this limit was not told of it.
	days, err := age(max(e.Day, p.LimitSince), today)
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
