package admin

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/seal"
	"sourdine/vault/translog"
)

// Status reads the vault's state. A vault that is damaged has a status too, of
// what can be read.
func (l *Local) Status(ctx context.Context) (Status, error) {
	s := Status{VaultKey: l.publicKey, Channels: []Channel{}, Desks: []Desk{}, Problems: []string{}, Upgraded: l.vault.Upgraded()}
	if l.Serving != nil {
		s.Serving = true
		l.Serving(&s)
	}
	var damage []string
	for _, read := range []func(context.Context, *Status) error{l.readChannels, l.readStats, l.readLog, l.readRestored, l.readDesks} {
		switch err := read(ctx, &s); {
		case errors.Is(err, vault.ErrDamaged):
			damage = append(damage, damaged(err))
		case err != nil:
			return s, err
		}
	}
	s.Problems = append(s.Problems, damage...)
	for _, find := range []func() ([]string, error){l.trouble, l.retentionProblems, l.keyProblems, l.forkProblems, l.compacting.problems} {
		found, err := find()
		switch {
		case errors.Is(err, vault.ErrDamaged):
			found = append(found, damaged(err))
		case err != nil:
			return s, err
		}
		s.Problems = append(s.Problems, found...)
	}
	s.Problems = append(s.Problems, problems(s)...)
	free, size, err := diskSpace(l.home.dir)
	if err != nil {
		return s, err
	}
	s.Problems = append(s.Problems, spaceProblems(free, size)...)
	return s, nil
}

func damaged(err error) string {
	return "the vault is damaged: " + err.Error() + ": restore a backup, and keep the damaged files"
}

func (l *Local) readChannels(_ context.Context, s *Status) error {
	rosters, err := l.vault.Channels()
	if err != nil {
		s.damagedChannels = true
		return err
	}
	for _, roster := range rosters {
		c := l.channel(roster)
		var wrong error
		c.Policy, wrong = l.vault.Policy(roster.Channel)
		if wrong != nil && !errors.Is(wrong, vault.ErrDamaged) {
			return wrong
		}
		err = errors.Join(err, wrong) // the channel is there all the same
		s.Channels = append(s.Channels, c)
	}
	return err
}

func (l *Local) readStats(ctx context.Context, s *Status) (err error) {
	if s.Stats, err = l.vault.Stats(); err != nil {
		return err
	}
	parts, err := l.Parts(ctx, Export{})
	if err != nil {
		return err
	}
	s.Parcels = len(parts)
	waiting, err := l.waiting(ctx)
	for i := range s.Channels {
		s.Channels[i].Waiting = waiting[s.Channels[i].Name]
	}
	return err
}

// waiting counts what a reviewer has not acknowledged, by channel.
func (l *Local) waiting(ctx context.Context) (map[string]int, error) {
	waiting := map[string]int{}
	var damage error // the first, of many perhaps
	for e, err := range l.vault.Entries() {
		all := false
		if err == nil {
			all, err = l.vault.AckedByAll(e.ID)
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, vault.ErrNotFound): // deleted just now
		case errors.Is(err, vault.ErrDamaged):
			damage = cmp.Or(damage, err)
			waiting[e.Channel]++
		case err != nil:
			return nil, err
		case !all:
			waiting[e.Channel]++
		}
	}
	return waiting, damage
}

func (l *Local) readLog(_ context.Context, s *Status) (err error) {
	if s.Log.Pending, err = l.vault.Pending(); err != nil {
		return err
	}
	if s.Log.Size, err = l.vault.LogSize(); err != nil {
		return err
	}
	root, err := translog.Root(s.Log.Size, l.vault)
	s.Log.Root = hex.EncodeToString(root[:])
	return err
}

func (l *Local) readDesks(_ context.Context, s *Status) error {
	fingerprints, err := l.vault.Desks()
	if err != nil {
		return err
	}
	for _, fingerprint := range fingerprints {
		state, _, err := l.vault.Desk(fingerprint)
		if err != nil {
			return err
		}
		d := Desk{Fingerprint: fingerprint, Sequence: state.Sequence, Seen: state.Seen}
		for _, c := range s.Channels {
			for _, r := range c.Reviewers {
				if r.Fingerprint == fingerprint {
					d.Name = r.Name
				}
			}
		}
		if note, err := order.OpenApplied(state.Applied, l.publicKey); err == nil {
			d.Refused = note.Done.Refused
		}
		s.Desks = append(s.Desks, d)
	}
	return nil
}

func (l *Local) channel(roster vault.Roster) Channel {
	c := Channel{Name: roster.Channel, Epoch: roster.Epoch, Reviewers: []Reviewer{}}
	var members seal.Roster
	for _, m := range roster.Members {
		c.Reviewers = append(c.Reviewers, l.reviewer(m))
		if parsed, err := seal.ParseCertificate(m.Certificate, l.now()); err == nil {
			members = append(members, parsed)
		}
	}
	if losses, err := members.Losses(l.now()); err == nil && len(members) > 0 {
		c.Losses = losses
	}
	return c
}

func (l *Local) reviewer(m vault.Member) Reviewer {
	_, err := seal.ParseCertificate(m.Certificate, l.now())
	return Reviewer{Name: m.Name, Fingerprint: m.Fingerprint, Valid: err == nil, Pickup: m.ClientKey != ""}
}
