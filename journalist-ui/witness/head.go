package witness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sourdine/vault/translog"
)

const (
	version  = 1 // of the folder's form
	maxHead  = 4 << 20
	headName = "head.json"
)

// A head says which generation of the log it is, how much of its leaves counts,
// and what the vault signed about it. Writing it is what commits a visit.
type head struct {
	V          int               `json:"v"`
	Generation int               `json:"generation"` // 0 until a restoration was accepted
	Restored   int64             `json:"restored"`   // the leaf that says that the vault was restored; 0 in generation 0
	Common     int64             `json:"common"`     // how many leaves are those of the generation before; 0 in generation 0
	Size       int64             `json:"size"`       // leaves
	Bytes      int64             `json:"bytes"`      // of their file
	Frontier   translog.Frontier `json:"frontier"`   // of these leaves
	Checkpoint string            `json:"checkpoint"` // the signed note as received; "" before the first
	Seen       []sighting        `json:"seen"`       // ascending in both
}

// A sighting says when this desk first knew of a leaf of a day: a day later than
// those of all visits before. Leaves from Size on came afterwards.
type sighting struct {
	Size int64  `json:"size"`
	Day  string `json:"day"`
}

// sight adds one, if the day is a new one. The list that it was given stays as it
// is.
func sight(seen []sighting, size int64, day string) []sighting {
	if day == "" || len(seen) > 0 && day <= seen[len(seen)-1].Day {
		return seen
	}
	return append(slices.Clone(seen), sighting{size, day})
}

func ascending(seen []sighting, size int64) bool {
	last := sighting{}
	for _, s := range seen {
		if _, err := time.Parse(time.DateOnly, s.Day); err != nil || s.Size <= last.Size || s.Size > size || s.Day <= last.Day {
			return false
		}
		last = s
	}
	return true
}

func (h head) encode() ([]byte, error) {
	h.V = version
	if h.Seen == nil {
		h.Seen = []sighting{}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(h); err != nil {
		return nil, fmt.Errorf("failed to encode the head of the log: %w", err)
	}
	return b.Bytes(), nil
}

var errHead = fmt.Errorf("%w: %s", ErrDamaged, headName)

// decodeHead refuses whatever encode would write otherwise.
func decodeHead(raw []byte) (head, error) {
	var h head
	if len(raw) > maxHead || json.Unmarshal(raw, &h) != nil {
		return head{}, errHead
	}
	if h.V != version {
		return head{}, fmt.Errorf("the desk's log has version %d, this program knows %d", h.V, version)
	}
	again, err := h.encode()
	if err != nil || !bytes.Equal(again, raw) {
		return head{}, errHead
	}
	if h.Size < 0 || h.Bytes < h.Size || h.Frontier.Size() != h.Size || (h.Size > 0 && h.Checkpoint == "") ||
		!ascending(h.Seen, h.Size) || !h.begins() {
		return head{}, errHead
	}
	return h, nil
}

// begins reports whether what the head says of its generation's beginning can be.
func (h head) begins() bool {
	if h.Generation == 0 {
		return h.Restored == 0 && h.Common == 0
	}
	return h.Generation > 0 && 0 <= h.Common && h.Common <= h.Restored && h.Restored < h.Size
}

func readHead(fsys fileSystem, name string) (head, error) {
	raw, err := read(fsys, name, maxHead)
	if err != nil {
		return head{}, fmt.Errorf("failed to read the desk's log: %w", err)
	}
	return decodeHead(raw)
}

// checkpoint verifies what is stored under the vault's key, anew.
func (h head) checkpoint(vaultKey string) (translog.Checkpoint, error) {
	if h.Checkpoint == "" {
		origin, err := translog.Origin(vaultKey)
		return translog.Checkpoint{Origin: origin, Root: translog.NewFrontier().Root()}, err
	}
	c, err := translog.OpenCheckpoint([]byte(h.Checkpoint), vaultKey)
	if err != nil {
		return c, errors.Join(errHead, err)
	}
	if !h.Frontier.EqualTo(c) {
		return c, errHead
	}
	return c, nil
}
