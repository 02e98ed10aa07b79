package translog

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

func (s Submission) check() error {
	switch {
	case len(s.Recipients) > MaxRecipients:
		return errors.New("too many recipients")
	case !ascending(s.Recipients):
		return errors.New("the recipients are not in order")
	case len(s.Payloads) == 0:
		return errors.New("no payload")
	case len(s.Payloads) > MaxPayloads:
		return errors.New("too many payloads")
	case !allDigests(s.Recipients) || !allDigests(s.Payloads):
		return errDigest
	case s.Epoch > MaxEpoch:
		return errEpoch
	}
	return checkOf(s.ID, s.Channel, s.Day)
}

func (d Deletion) check() error {
	switch d.Reason {
	case ByOrder:
		if !isFingerprint(d.By) || !isDigest(d.Order) {
			return errors.New("it does not say who ordered it")
		}
	case ByRetention, ByLimit:
		if d.By != "" || d.Order != "" {
			return errors.New("an order that its reason does not know")
		}
	default:
		return errors.New("no known reason")
	}
	return checkOf(d.ID, d.Channel, d.Day)
}

func (r Roster) check() error {
	switch {
	case len(r.Members) > MaxMembers:
		return errors.New("too many members")
	case !isDigest(r.SHA256):
		return errDigest
	case r.Epoch > MaxEpoch:
		return errEpoch
	}
	seen := make(map[string]bool, len(r.Members))
	for _, m := range r.Members {
		if !isFingerprint(m.Fingerprint) || seen[m.Fingerprint] {
			return errors.New("a member's fingerprint is not one, or stands twice")
		}
		if !isName(m.Name) {
			return errors.New("a member's name is too long or not printable")
		}
		seen[m.Fingerprint] = true
	}
	return checkPlace(r.Channel, r.Day)
}

func (p Policy) check() error {
	for _, days := range []int{p.Retention, p.Limit} {
		if days < 0 || days > MaxDays {
			return errors.New("not a number of days")
		}
	}
	return checkPlace(p.Channel, p.Day)
}

func (r Restored) check() error {
	switch {
	case r.Size < 0 || r.Size >= MaxSize:
		return errors.New("not the number of a leaf")
	case !isDigest(r.Mark):
		return errors.New("the mark is not 64 lower-case hexadecimal digits")
	}
	return checkDay(r.Day)
}

var (
	errDigest = errors.New("a digest is not 64 lower-case hexadecimal digits")
	errEpoch  = errors.New("the epoch is too large")
)

// checkOf checks which submission a leaf is of. The id's check is that of
// vault.ParseID, whose package imports this one.
func checkOf(id, channel, day string) error {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	if len(id) != 26 || strings.Trim(id, alphabet) != "" ||
		strings.IndexByte(alphabet, id[25])%4 != 0 { // 26 letters are 130 bits, an id is 128
		return errors.New("not a submission id")
	}
	return checkPlace(channel, day)
}

func checkPlace(channel, day string) error {
	if channel == "" || !isName(channel) {
		return errors.New("the channel's name is empty, too long or not printable")
	}
	return checkDay(day)
}

func checkDay(day string) error {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil || t.Format(time.DateOnly) != day {
		return errors.New("not a day")
	}
	return nil
}

func isName(s string) bool {
	return len(s) <= MaxName && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func isDigest(s string) bool { return len(s) == 64 && isOf(s, lowerHex) }

func isFingerprint(s string) bool {
	return (len(s) == 40 || len(s) == 64) && isOf(s, upperHex)
}

func isOf(s, alphabet string) bool {
	for i := range len(s) {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return false
		}
	}
	return true
}

func allDigests(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !isDigest(s) })
}

// ascending is true when no element stands twice, either.
func ascending(list []string) bool {
	for i := 1; i < len(list); i++ {
		if list[i-1] >= list[i] {
			return false
		}
	}
	return true
}
