package translog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// maxLevels is one more than the level of a tree of MaxSize leaves.
const maxLevels = 41

// maxHashes bounds the JSON text of a list of hashes, in bytes: 41 hashes of
// 44 characters, with room for indentation.
const maxHashes = 8 << 10

var errFrontier = errors.New("the log's frontier is damaged")

// A Frontier is what remains of a log when only its end matters: the roots of
// its complete subtrees, at most one for each level. It takes leaves one by one
// and knows the root at any time. The zero value is that of the empty log, and a
// copy is independent of the original.
//
// Its JSON holds the size and the hashes, the largest subtree's first:
//
//	{"v":1,"size":5,"hashes":["BASE64 of leaves 0–3","BASE64 of leaf 4"]}
type Frontier struct {
	size  int64
	nodes [maxLevels]tlog.Hash // the subtree of 2^i leaves at i, if that bit of size is set
}

// NewFrontier returns the frontier of the empty log.
func NewFrontier() *Frontier { return new(Frontier) }

// Size is how many leaves the log has.
func (f *Frontier) Size() int64 { return f.size }

// Append adds a leaf to the log, in its encoding. It refuses one only when the
// log has [MaxSize] leaves.
func (f *Frontier) Append(leaf []byte) error {
	if f.size >= MaxSize {
		return errors.New("the log is full")
	}
	var done [maxLevels]tlog.Hash
	f.push(tlog.RecordHash(leaf), done[:0])
	return nil
}

// push adds a leaf by its hash, and to done the hash of each subtree that it
// completes, itself first: those that tlog.StoredHashes has for it.
func (f *Frontier) push(h tlog.Hash, done []tlog.Hash) []tlog.Hash {
	done = append(done, h)
	level := 0
	for ; f.size>>level&1 == 1; level++ {
		h = tlog.NodeHash(f.nodes[level], h)
		done = append(done, h)
	}
	f.nodes[level] = h
	f.size++
	return done
}

// Root is the hash of the tree of all leaves (RFC 6962, section 2.1).
func (f *Frontier) Root() tlog.Hash {
	levels := f.levels()
	if len(levels) == 0 {
		return emptyRoot()
	}
	last := len(levels) - 1
	root := f.nodes[levels[last]]
	for i := last - 1; i >= 0; i-- {
		root = tlog.NodeHash(f.nodes[levels[i]], root)
	}
	return root
}

// EqualTo is true when the checkpoint is of this very log: the same size and
// root. The origin is the caller's to compare.
func (f *Frontier) EqualTo(c Checkpoint) bool {
	return f.size == c.Size && f.Root() == c.Root
}

type frontierJSON struct {
	V      int         `json:"v"`
	Size   int64       `json:"size"`
	Hashes []tlog.Hash `json:"hashes"`
}

// MarshalJSON writes the form that stands above the type.
func (f Frontier) MarshalJSON() ([]byte, error) {
	wire := frontierJSON{V: version, Size: f.size, Hashes: []tlog.Hash{}}
	for _, level := range f.levels() {
		wire.Hashes = append(wire.Hashes, f.nodes[level])
	}
	return marshal(wire)
}

// UnmarshalJSON reads what MarshalJSON wrote, and ignores blanks only.
func (f *Frontier) UnmarshalJSON(raw []byte) error {
	if len(raw) > maxHashes {
		return errFrontier
	}
	var wire frontierJSON
	if err := json.Unmarshal(raw, &wire); err != nil || checkSize(wire.Size) != nil {
		return errFrontier
	}
	if wire.V != version {
		return fmt.Errorf("the log's frontier has version %d, this program knows %d", wire.V, version)
	}
	read := Frontier{size: wire.Size}
	levels := read.levels()
	if len(levels) != len(wire.Hashes) {
		return errFrontier
	}
	for i, level := range levels {
		read.nodes[level] = wire.Hashes[i]
	}
	if !spells(raw, read) {
		return errFrontier
	}
	*f = read
	return nil
}

// spells is true when raw is the value's JSON but for blanks: base 64, numbers
// and field names have other spellings.
func spells(raw []byte, value json.Marshaler) bool {
	want, err := value.MarshalJSON()
	var got bytes.Buffer
	return err == nil && json.Compact(&got, raw) == nil && bytes.Equal(got.Bytes(), want)
}
