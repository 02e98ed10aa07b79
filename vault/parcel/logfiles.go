package parcel

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"sourdine/vault/translog"
)

// A logFile is one that stands before the submissions, and where its content
// comes from.
type logFile struct {
	Named
	open func() (io.ReaderAt, error)
}

func bytesFile(name string, content []byte) logFile {
	return logFile{
		Named: named(name, sealedOf(content)),
		open:  func() (io.ReaderAt, error) { return bytes.NewReader(content), nil },
	}
}

// readFile is a file that the vault keeps: it is read now, and again whenever
// the parcel is.
func readFile(name string, read func() ([]byte, error)) (logFile, error) {
	content, err := read()
	if err != nil {
		return logFile{}, fmt.Errorf("failed to read %s: %w", name, err)
	}
	said := sealedOf(content)
	return logFile{Named: named(name, said), open: func() (io.ReaderAt, error) { return exactly(said, read) }}, nil
}

// exactly reads a whole file, which must be what was said of it: what the index
// lists may have changed in the vault.
func exactly(said Sealed, read func() ([]byte, error)) (io.ReaderAt, error) {
	content, err := read()
	if err != nil {
		return nil, err
	}
	if sealedOf(content) != said {
		return nil, ErrOutdated
	}
	return bytes.NewReader(content), nil
}

func fileOfRows(ctx context.Context, name string, n int64, rows rows) (logFile, error) {
	f, err := newRowFile(ctx, n, rows)
	if err != nil {
		return logFile{}, err
	}
	return logFile{Named: named(name, f.sealed()), open: f.open}, nil
}

// A logPart gathers what a parcel shows of the log.
type logPart struct {
	plan    *Plan
	secret  string
	rosters map[string]rosterKey // by the SHA-256 that a leaf names
	orders  map[string]bool      // likewise
	files   []logFile
}

type rosterKey struct {
	channel string
	epoch   uint64
}

// logFiles makes the files before the submissions, in their order.
func (p *Plan) logFiles(ctx context.Context, secret string) ([]logFile, error) {
	l := &logPart{plan: p, secret: secret, rosters: map[string]rosterKey{}, orders: map[string]bool{}}
	for _, step := range []func(context.Context) error{l.addCheckpoint, l.addLeaves, l.addProofs, l.addRosters, l.addOrders, l.addApplied} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return l.files, nil
}

func (l *logPart) add(f logFile, err error) error {
	l.files = append(l.files, f)
	return err
}

// addCheckpoint signs the log's head at the size that the parcel shows.
func (l *logPart) addCheckpoint(context.Context) error {
	public, err := PublicKey(l.secret)
	if err != nil {
		return err
	}
	origin, err := translog.Origin(public)
	if err != nil {
		return err
	}
	size := l.plan.index.Size
	root, err := translog.Root(size, l.plan.vault)
	if err != nil {
		return err
	}
	signed, err := translog.Checkpoint{Origin: origin, Size: size, Root: root}.Sign(l.secret)
	return l.add(bytesFile(CheckpointName, signed), err)
}

// addLeaves adds those since what the reviewer's desk has seen, and takes down
// which rosters and orders they name.
func (l *logPart) addLeaves(ctx context.Context) error {
	p := l.plan
	noting := func(from, to int64) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for row, err := range p.leafRows(from, to) {
				if err == nil {
					err = l.note(bytes.TrimSuffix(row, []byte("\n")))
				}
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
	f, err := newRowFile(ctx, p.index.Size-p.index.Since, noting)
	if err != nil {
		return err
	}
	f.rows = p.leafRows
	return l.add(logFile{Named: named(LeavesName, f.sealed()), open: f.open}, nil)
}

// leafRows are the leaves since p.index.Since, a line each.
func (p *Plan) leafRows(from, to int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var row []byte
		for leaf, err := range p.vault.Leaves(p.index.Since+from, p.index.Since+to) {
			row = append(append(row[:0], leaf...), '\n')
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func (l *logPart) note(leaf []byte) error {
	switch {
	case isLeaf(leaf, rosterLeaf):
		roster, err := decodeLeaf[translog.Roster](leaf)
		l.rosters[roster.SHA256] = rosterKey{roster.Channel, roster.Epoch}
		return err
	case isLeaf(leaf, deletionLeaf):
		deletion, err := decodeLeaf[translog.Deletion](leaf)
		if deletion.Order != "" {
			l.orders[deletion.Order] = true
		}
		return err
	}
	return nil
}

func (l *logPart) addRosters(ctx context.Context) error {
	for _, sum := range slices.Sorted(maps.Keys(l.rosters)) {
		at := l.rosters[sum]
		f, err := readFile(RostersFolder+sum+".json", func() ([]byte, error) {
			stored, _, err := l.plan.vault.RosterAt(at.channel, at.epoch)
			return stored, err
		})
		if err == nil && f.SHA256 != sum {
			err = fmt.Errorf("the vault's roster of channel %s at epoch %d is not the one that its log names", at.channel, at.epoch)
		}
		if err := l.addUnlessEnded(ctx, f, err); err != nil {
			return err
		}
	}
	return nil
}

func (l *logPart) addOrders(ctx context.Context) error {
	for _, sum := range slices.Sorted(maps.Keys(l.orders)) {
		f, err := readFile(OrdersFolder+sum+".txt", func() ([]byte, error) { return l.plan.vault.Order(sum) })
		if err := l.addUnlessEnded(ctx, f, err); err != nil {
			return err
		}
	}
	return nil
}

// addApplied adds the vault's answers to return parcels: that of the reviewer's
// last one, or of everybody's.
func (l *logPart) addApplied(ctx context.Context) error {
	v, reviewers := l.plan.vault, []string{l.plan.index.Reviewer}
	if l.plan.index.Reviewer == "" {
		var err error
		if reviewers, err = v.Desks(); err != nil {
			return err
		}
	}
	for _, fingerprint := range slices.Sorted(slices.Values(reviewers)) {
		f, err := readFile(AppliedFolder+fingerprint+".note", func() ([]byte, error) {
			desk, _, err := v.Desk(fingerprint)
			return desk.Applied, err
		})
		if err == nil && f.Size == 0 { // no return parcel was answered yet
			continue
		}
		if err := l.addUnlessEnded(ctx, f, err); err != nil {
			return err
		}
	}
	return nil
}

func (l *logPart) addUnlessEnded(ctx context.Context, f logFile, err error) error {
	if err == nil {
		err = ctx.Err()
	}
	return l.add(f, err)
}
