package witness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"sourdine/vault/translog"
)

const (
	peersName = "peers.jsonl"
	maxPeers  = 1000 // lines; what is nearest to the size that this desk knows stays
)

// Compare compares the last checkpoint of another desk with the book: nil when
// that desk was shown the same log. For another log it returns a [Refused] error
// of [Fork] (also [ErrFork]) or [OtherLog], and keeps both checkpoints as
// evidence; of [Restored] for one that a parcel brought here, too, and nobody
// accepted. It returns [ErrBeforeRestore] for the log as it was before the vault
// was restored; when that desk has seen more [ErrNotYet], and the next Commit
// compares.
func (b *Book) Compare(otherDesksSigned []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := translog.OpenCheckpoint(otherDesksSigned, b.vaultKey)
	if err != nil {
		return refuse(Finding{Kind: Signature, Cause: err.Error()})
	}
	agrees, err := b.agrees(c)
	if err != nil || agrees {
		return err
	}
	old, err := b.agreedBefore(c)
	if err != nil {
		return err
	}
	if old {
		return ErrBeforeRestore
	}
	return b.compareOther(c, otherDesksSigned)
}

// compareOther is Compare for what is of no log that the book has.
func (b *Book) compareOther(c translog.Checkpoint, signed []byte) error {
	waiting, err := b.waiting()
	if err != nil {
		return err
	}
	for _, e := range waiting {
		if e.theirs == c {
			return refuse(e.finding(b))
		}
	}
	if c.Size > b.head.Size {
		if err := b.remember(signed, c); err != nil {
			return err
		}
		return ErrNotYet
	}
	kind := b.otherKind(c, b.before)
	if err := b.keepFork(Contradiction{Ours: b.head.Checkpoint, Theirs: string(signed), Kind: kind}); err != nil {
		return err
	}
	return refuse(Finding{Kind: kind, Known: b.head.Size, Given: c.Size})
}

// agrees reports whether a checkpoint is of this log.
func (b *Book) agrees(c translog.Checkpoint) (bool, error) {
	if c.Size > b.head.Size {
		return false, nil
	}
	f, err := b.frontierAt(c.Size)
	return err == nil && f.EqualTo(c), err
}

// agreedBefore reports whether a checkpoint is of the log as it was before the
// vault was restored.
func (b *Book) agreedBefore(c translog.Checkpoint) (bool, error) {
	for old := b.before; old != nil; old = old.before {
		if agrees, err := old.agrees(c); err != nil || agrees {
			return agrees, err
		}
	}
	return false, nil
}

// otherKind tells a fork from what may be of a log that the vault lost, further
// than this desk had seen it. The first lost one is given.
func (b *Book) otherKind(c translog.Checkpoint, lost *Book) Kind {
	for ; lost != nil; lost = lost.before {
		if c.Size > lost.head.Size {
			return OtherLog
		}
	}
	return Fork
}

// A peer is a checkpoint that the vault signed, of a log larger than the book's
// when it came: another desk's, or that of a parcel whose leaves were wrong.
type peer struct {
	Checkpoint string `json:"checkpoint"`
	at         translog.Checkpoint
}

// remember keeps a checkpoint until it can be compared.
func (b *Book) remember(signed []byte, c translog.Checkpoint) error {
	peers, err := b.peers()
	if err != nil {
		return err
	}
	for _, p := range peers {
		if p.at == c {
			return nil
		}
	}
	peers = append(peers, peer{Checkpoint: string(signed), at: c})
	slices.SortStableFunc(peers, func(x, y peer) int { return int(min(max(x.at.Size-y.at.Size, -1), 1)) })
	return b.writePeers(peers[:min(len(peers), maxPeers)])
}

// peers reads those that the vault signed; others are of no use.
func (b *Book) peers() ([]peer, error) {
	raw, err := read(b.fs, peersName, maxPeers*2*translog.MaxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read other desks' checkpoints: %w", err)
	}
	var peers []peer
	for lines := newLineReader(bytes.NewReader(raw), 2*translog.MaxCheckpoint); ; {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return peers, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s", ErrDamaged, peersName)
		}
		var p peer
		if json.Unmarshal(line, &p) != nil {
			return nil, fmt.Errorf("%w: %s", ErrDamaged, peersName)
		}
		if p.at, err = translog.OpenCheckpoint([]byte(p.Checkpoint), b.vaultKey); err == nil {
			peers = append(peers, p)
		}
	}
}

func (b *Book) writePeers(peers []peer) error {
	var out bytes.Buffer
	for _, p := range peers {
		line, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("failed to encode a checkpoint: %w", err)
		}
		out.Write(append(line, '\n'))
	}
	return replace(b.fs, peersName, out.Bytes())
}

// comparePeers finds which remembered checkpoints contradict the log of a visit
// that is about to be committed, and keeps the evidence. rest is what still
// cannot be compared.
func (b *Book) comparePeers(v *Visit, h head) (forks []Finding, rest []peer, err error) {
	peers, err := b.peers()
	if err != nil {
		return nil, nil, err
	}
	due := slices.IndexFunc(peers, func(p peer) bool { return p.at.Size > h.Size })
	if due < 0 {
		due = len(peers)
	}
	var checkpoints []translog.Checkpoint
	for _, p := range peers[:due] {
		checkpoints = append(checkpoints, p.at)
	}
	agree, err := agreeing(v.leaves, h.Bytes, checkpoints)
	if err != nil {
		return nil, nil, err
	}
	lost := b.before
	if v.begins != nil {
		lost = b
	}
	for _, p := range peers[:due] {
		if agree[p.at] {
			continue
		}
		found, err := b.comparePeer(p, h, lost)
		if err != nil {
			return nil, nil, err
		}
		forks = append(forks, found...)
	}
	return forks, peers[due:], nil
}

// comparePeer judges a checkpoint that is not of the log that a head is of.
func (b *Book) comparePeer(p peer, h head, lost *Book) ([]Finding, error) {
	if old, err := b.agreedBefore(p.at); err != nil || old {
		return nil, err
	}
	kind := b.otherKind(p.at, lost)
	if err := b.keepFork(Contradiction{Ours: h.Checkpoint, Theirs: p.Checkpoint, Kind: kind}); err != nil {
		return nil, err
	}
	return []Finding{{Kind: kind, Known: h.Size, Given: p.at.Size}}, nil
}

// forgetPeers takes out what was compared. What stays there by an error is
// compared again next time.
func (b *Book) forgetPeers(rest []peer) {
	if peers, err := b.peers(); err == nil && len(peers) > len(rest) {
		_ = b.writePeers(rest)
	}
}
