package translog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// version is the first field of every leaf.
const version = 1

// maxCommas is more than any leaf within the limits has: 1,000 names of 256
// commas. A list of nothings in 8 MiB would otherwise take 200 MiB of memory
// before anyone looks at it.
const maxCommas = 300_000

var errLeaf = errors.New("the leaf is damaged")

// head begins every leaf; the fields of its kind follow in the order of their
// type.
type head struct {
	V    int    `json:"v"`
	Kind string `json:"kind"`
}

// Encode returns the bytes that enter the log: one line of JSON, without its
// line break. It refuses what [Decode] would refuse. Empty and absent lists are
// the same, and decode as nil.
func Encode(leaf Leaf) ([]byte, error) {
	wire, err := wireForm(leaf)
	if err != nil {
		return nil, err
	}
	if err := leaf.check(); err != nil {
		return nil, fmt.Errorf("a %s's leaf: %w", leaf.kind(), err)
	}
	return marshal(wire)
}

func wireForm(leaf Leaf) (any, error) {
	switch l := leaf.(type) {
	case Submission:
		l.Recipients, l.Payloads = notNil(l.Recipients), notNil(l.Payloads)
		return struct {
			head
			Submission
		}{head{version, l.kind()}, l}, nil
	case Deletion:
		return struct {
			head
			Deletion
		}{head{version, l.kind()}, l}, nil
	case Roster:
		l.Members = notNil(l.Members)
		return struct {
			head
			Roster
		}{head{version, l.kind()}, l}, nil
	case Policy:
		return struct {
			head
			Policy
		}{head{version, l.kind()}, l}, nil
	case Restored:
		return struct {
			head
			Restored
		}{head{version, l.kind()}, l}, nil
	}
	return nil, fmt.Errorf("%T is not a leaf", leaf) // a pointer has the methods too
}

// Decode reads what [Encode] wrote, and refuses every other spelling of it.
func Decode(raw []byte) (Leaf, error) {
	if len(raw) > MaxLeaf {
		return nil, fmt.Errorf("the leaf is larger than %d bytes", MaxLeaf)
	}
	if bytes.Count(raw, []byte(",")) > maxCommas {
		return nil, errLeaf
	}
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, errLeaf
	}
	if h.V != version {
		return nil, fmt.Errorf("the leaf has version %d, this program knows %d", h.V, version)
	}
	leaf, err := decodeKind(h.Kind, raw)
	if err != nil {
		return nil, err
	}
	again, err := Encode(leaf)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, raw) {
		return nil, errLeaf
	}
	return leaf, nil
}

func decodeKind(kind string, raw []byte) (Leaf, error) {
	switch kind {
	case Submission{}.kind():
		l, err := unmarshal[Submission](raw)
		l.Recipients, l.Payloads = nilIfEmpty(l.Recipients), nilIfEmpty(l.Payloads)
		return l, err
	case Deletion{}.kind():
		return unmarshal[Deletion](raw)
	case Roster{}.kind():
		l, err := unmarshal[Roster](raw)
		l.Members = nilIfEmpty(l.Members)
		return l, err
	case Policy{}.kind():
		return unmarshal[Policy](raw)
	case Restored{}.kind():
		return unmarshal[Restored](raw)
	}
	return nil, errors.New("the leaf is of a kind that this program does not know")
}

func unmarshal[L Leaf](raw []byte) (leaf L, err error) {
	if json.Unmarshal(raw, &leaf) != nil {
		return leaf, errLeaf
	}
	return leaf, nil
}

// marshal is JSON without the escapes that are for HTML only.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("failed to encode: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func notNil[E any](list []E) []E {
	if list == nil {
		return []E{}
	}
	return list
}

func nilIfEmpty[E any](list []E) []E {
	if len(list) == 0 {
		return nil
	}
	return list
}
