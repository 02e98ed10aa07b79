package desk

import (
	"errors"
	"fmt"
	"time"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/seal"
)

// reviewers returns the certificates of those who are on a channel's latest
// roster as the log tells it, but for those that have expired.
func (d *Desk) reviewers(channel string, now time.Time) (certificates seal.Roster, err error) {
	err = d.withLog(func(book *witness.Book) error {
		roster, err := book.Certificates(channel)
		if err == nil {
			certificates, err = sealable(roster, now)
		}
		return err
	})
	var refused *witness.Refused
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("%w: %w", ErrNoRoster, err)
	case errors.Is(err, ErrNoVault), err == nil && len(certificates) == 0:
		return nil, ErrNoRoster
	}
	return certificates, err
}

// sealable returns the certificates of a roster but for those that have expired.
// One that cannot be used for another reason is an error: whoever were left out
// without need would miss something.
func sealable(r witness.Roster, now time.Time) (seal.Roster, error) {
	var certificates seal.Roster
	for _, m := range r.Members {
		c, err := seal.ParseCertificate(m.Certificate, now)
		switch {
		case err == nil:
			certificates = append(certificates, c)
		case !m.ExpiredBy(dayOf(now)):
			return nil, fmt.Errorf("the certificate of reviewer %s: %w", m.Fingerprint, err)
		}
	}
	return certificates, nil
}
