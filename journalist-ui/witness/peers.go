package witness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"sourdine/vault/translog"
)

const (
	peersName = "peers.jsonl"
	maxPeers  = 1000 // lines; what is nearest to the size that this desk knows stays
	maxForks  = 1000 // files
	maxFork   = 4 * translog.MaxCheckpoint
)

// Compare compares the last checkpoint of another desk with the book: nil when
// that desk was shown the same log. For another log it returns a [Refused] error
// of [Fork] (also [ErrFork]) and keeps both checkpoints as evidence; when that
// desk has seen more it returns [ErrNotYet], and the next Commit compares.
func (b *Book) Compare(otherDesksSigned []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := translog.OpenCheckpoint(otherDesksSigned, b.vaultKey)
	if err != nil {
		return refuse(Finding{Kind: Signature, Cause: err.Error()})
	}
	if c.Size <= b.head.Size {
		return b.agrees(c, otherDesksSigned)
	}
	if err := b.remember(otherDesksSigned, c); err != nil {
		return err
	}
	return ErrNotYet
}

// agrees compares a checkpoint of no more leaves than the book has.
func (b *Book) agrees(c translog.Checkpoint, signed []byte) error {
	f, err := b.frontierAt(c.Size)
	if err != nil {
		return err
	}
	if f.EqualTo(c) {
		return nil
	}
	if err := b.keepEvidence(signed); err != nil {
		return err
	}
	return refuse(Finding{Kind: Fork, Known: b.head.Size, Given: c.Size})
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
	due := 0
	for due < len(peers) && peers[due].at.Size <= h.Size {
		due++
	}
	var f translog.Frontier
	next := 0
	compare := func() error {
		for ; next < due && peers[next].at.Size == f.Size(); next++ {
			if f.EqualTo(peers[next].at) {
				continue
			}
			if err := b.keepFork(h.Checkpoint, peers[next].Checkpoint); err != nil {
				return err
			}
			forks = append(forks, Finding{Kind: Fork, Known: h.Size, Given: peers[next].at.Size})
		}
		return nil
	}
	if due == 0 {
		return nil, peers, nil
	}
	if err := compare(); err != nil {
		return nil, nil, err
	}
	err = walk(b.file, 0, h.Bytes, func(line []byte) error {
		if err := f.Append(line); err != nil {
			return err
		}
		return compare()
	})
	return forks, peers[due:], err
}

// forgetPeers takes out what was compared. What stays there by an error is
// compared again next time.
func (b *Book) forgetPeers(rest []peer) {
	if peers, err := b.peers(); err == nil && len(peers) > len(rest) {
		_ = b.writePeers(rest)
	}
}

// A Contradiction is evidence: two checkpoints that the vault signed, and that
// cannot both be of one log.
type Contradiction struct {
	V      int    `json:"v"`
	Ours   string `json:"ours"`   // this desk's signed checkpoint when it was found
	Theirs string `json:"theirs"` // the parcel's, or another desk's
}

func (b *Book) keepEvidence(signed []byte) error {
	return b.keepFork(b.head.Checkpoint, string(signed))
}

// keepFork names the file after what it holds: found twice, it is one.
func (b *Book) keepFork(ours, theirs string) error {
	names, err := b.fs.list(forksName)
	if err != nil {
		return fmt.Errorf("failed to keep the evidence: %w", err)
	}
	raw, err := json.MarshalIndent(Contradiction{V: version, Ours: ours, Theirs: theirs}, "", "  ")
	if err != nil {
		return fmt.Errorf("failed to keep the evidence: %w", err)
	}
	name := sumOf(raw) + ".json"
	if len(names) >= maxForks || slices.Contains(names, name) {
		return nil // a thousand are enough
	}
	return replace(b.fs, forksName+"/"+name, append(raw, '\n'))
}

// Contradictions returns the evidence that is kept.
func (b *Book) Contradictions() ([]Contradiction, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.contradictions()
}

func (b *Book) contradictions() ([]Contradiction, error) {
	names, err := b.fs.list(forksName)
	if err != nil {
		return nil, fmt.Errorf("failed to read the evidence: %w", err)
	}
	var all []Contradiction
	for _, name := range names {
		var c Contradiction
		if !strings.HasSuffix(name, ".json") { // interrupted while it was written
			continue
		}
		raw, err := read(b.fs, forksName+"/"+name, maxFork)
		if err != nil {
			return nil, fmt.Errorf("failed to read the evidence: %w", err)
		}
		if json.Unmarshal(raw, &c) != nil {
			return nil, fmt.Errorf("%w: evidence of a fork", ErrDamaged)
		}
		all = append(all, c)
	}
	return all, nil
}
