package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/spoken"
)

// Errors that callers branch on.
var (
	// ErrWordCount: what was typed are not twelve words.
	ErrWordCount = fmt.Errorf("a restoration has %d words", spoken.Count)
	// ErrWords: the words are not those of a restoration that waits.
	ErrWords = errors.New("these are not the words of the restoration that this desk was told of")
)

// Restorations lists those that the server's log tells of, whose log this desk
// has not taken in.
func (d *Desk) Restorations() ([]witness.Restoration, error) {
	var all []witness.Restoration
	err := d.withLog(func(book *witness.Book) (err error) {
		all, err = book.Restorations()
		return err
	})
	if errors.Is(err, ErrNoVault) {
		return nil, nil
	}
	return all, err
}

// AcceptRestored accepts the restoration that has these twelve words, French or
// English, which the admin told the reviewer by another way than the server. The
// next parcel with its log is taken in. When none waits the error is
// [witness.ErrNoRestoration]; else, if they are not its words, [ErrWordCount] or
// [ErrWords]. Nothing is accepted by words alone: the server may know them, too.
func (d *Desk) AcceptRestored(words string) (witness.Restoration, error) {
	var accepted witness.Restoration
	release, err := d.lockImport()
	if err != nil {
		return accepted, err
	}
	defer release()
	err = d.withLog(func(book *witness.Book) error {
		waiting, err := book.Restorations()
		if err != nil {
			return err
		}
		accepted, err = findWords(waiting, spelled(words))
		if err != nil {
			return err
		}
		accepted.Accepted = true
		return book.AcceptRestored(accepted.Sum)
	})
	if errors.Is(err, ErrNoVault) {
		err = witness.ErrNoRestoration
	}
	return accepted, err
}

func findWords(waiting []witness.Restoration, words []string) (witness.Restoration, error) {
	if len(waiting) == 0 {
		return witness.Restoration{}, witness.ErrNoRestoration
	}
	if len(words) != spoken.Count {
		return witness.Restoration{}, ErrWordCount
	}
	for _, r := range waiting {
		for _, language := range []string{"fr", "en"} {
			if slices.Equal(words, spelled(strings.Join(spoken.Words(r.Text, language), " "))) {
				return r, nil
			}
		}
	}
	return witness.Restoration{}, ErrWords
}

// spelled cuts a text into words, without accents and capitals: people type what
// they hear. No two words of a list differ by an accent alone.
func spelled(text string) []string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
	return strings.FieldsFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) })
}

// follow brings what the desk knows up to the generation of the log that has
// begun. What a kill interrupts is done again. The import lock must be held.
func (d *Desk) follow(ctx context.Context, log *witness.Book, f *Findings) error {
	since := f.Generation
	if since == log.Generation() {
		return nil
	}
	f.forgetFrom(log.Common(since))
	if err := f.settleRestored(log); err != nil {
		return err
	}
	if err := d.checkAgain(ctx, log, f); err != nil {
		return err
	}
	f.Generation = log.Generation()
	return d.keepFindings(f)
}

// checkAgain tells what the vault has lost of what is here, and looks again at
// what was kept apart because a restoration waited.
func (d *Desk) checkAgain(ctx context.Context, log *witness.Book, f *Findings) error {
	stored, err := d.store().ids()
	if err != nil {
		return err
	}
	for _, id := range stored {
		waited := slices.ContainsFunc(f.Submissions[id], func(one witness.Finding) bool { return one.Kind == witness.Restored })
		if !waited && !log.Lost(id) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.checkOneAgain(ctx, log, f, id); err != nil {
			return err
		}
	}
	return nil
}

// checkOneAgain leaves what is wrong with the disk to the next audit.
func (d *Desk) checkOneAgain(ctx context.Context, log *witness.Book, f *Findings, id string) error {
	e, err := d.store().entry(id)
	if err != nil {
		return nil
	}
	at, err := d.store().at(id)
	if err != nil {
		return err
	}
	found, err := d.holdToLog(ctx, log, at, e)
	if err != nil {
		return nil
	}
	disk := slices.DeleteFunc(slices.Clone(f.Submissions[id]), func(one witness.Finding) bool {
		return one.Kind != StoredDamaged && one.Kind != StoredLost
	})
	f.set(id, slices.Concat(disk, found))
	return nil
}

// forgetFrom lets what stands at a leaf or after it be told, and confirmed, anew.
func (f *Findings) forgetFrom(leaf int64) {
	f.Told = min(f.Told, leaf)
	if f.Part != nil {
		f.Part.Size = min(f.Part.Size, leaf)
	}
	for _, one := range f.All() {
		if one.Leaf >= leaf {
			delete(f.Known, FindingKey(one))
		}
	}
}

// settleRestored takes out that parcels waited for a restoration to be accepted,
// when it was, or when another took its place: the events tell.
func (f *Findings) settleRestored(log *witness.Book) error {
	waiting, err := log.Restorations()
	if err != nil {
		return err
	}
	f.Parcels = slices.DeleteFunc(f.Parcels, func(one witness.Finding) bool {
		waits := slices.ContainsFunc(waiting, func(r witness.Restoration) bool { return r.Sum == one.Sum })
		return one.Kind == witness.Restored && !waits
	})
	return nil
}

// Lost reports whether the vault has lost a submission that is here.
func (f *Findings) Lost(id string) bool {
	return slices.ContainsFunc(f.Submissions[id], func(one witness.Finding) bool { return one.Kind == witness.BeforeRestore })
}
