package admin

import (
	"context"
	"fmt"
)

// Removed is a reviewer who was taken off a channel's roster.
type Removed struct {
	Reviewer
	Elsewhere []string `json:"elsewhere"` // the channels that they still read
}

// RemoveReviewer takes a reviewer off a channel's roster, by the fingerprint,
// blanks allowed, or by a name that only one on it has. What sources send from then
// on is not sealed to them, and parcels hold nothing of the channel for them; what
// they had is not taken from them. It returns [vault.ErrNotFound] for an unknown
// channel, [ErrNoReviewer] for one who is not on its roster, and
// [vault.ErrLastReviewer] for the only one who is.
func (l *Local) RemoveReviewer(ctx context.Context, channel, wanted string) (Removed, error) {
	roster, err := l.vault.Roster(channel)
	if err != nil {
		return Removed{}, err
	}
	member, err := findAmong(roster.Members, wanted, " of channel "+channel)
	if err != nil {
		return Removed{}, err
	}
	elsewhere, err := l.channelsOf(member.Fingerprint, channel)
	if err != nil {
		return Removed{}, err
	}
	switch _, err := l.vault.RemoveMember(ctx, channel, member.Fingerprint); {
	case err != nil && l.isStorage(err):
		return Removed{}, fmt.Errorf("%w: %w", ErrStorage, err)
	case err != nil:
		return Removed{}, refused(err)
	}
	if l.RosterChanged != nil {
		l.RosterChanged()
	}
	return Removed{l.reviewer(member), elsewhere}, nil
}

// channelsOf lists the channels whose rosters have a reviewer, but for one.
func (l *Local) channelsOf(fingerprint, without string) ([]string, error) {
	rosters, err := l.vault.Channels()
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, roster := range rosters {
		for _, m := range roster.Members {
			if m.Fingerprint == fingerprint && roster.Channel != without {
				names = append(names, roster.Channel)
			}
		}
	}
	return names, nil
}
