package parcel

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"sourdine/vault"
)

const (
	// Version is the version of the format that this package writes and reads.
	Version = 1

	noteName  = "parcel.note"
	indexName = "index.json"

	maxNote  = 64 << 10 // bytes
	maxIndex = 64 << 20 // bytes, that a reader takes

	// fullIndex is where a writer goes on in another parcel, in bytes: 25,000
	// ordinary submissions. Making one takes four times its size in memory.
	fullIndex = 16 << 20
)

// An Index lists what a parcel holds, in the order of the files in it
// (FORMAT.md, section 3).
type Index struct {
	Version     int          `json:"version"`
	Submissions []Submission `json:"submissions"`
}

// A Submission is what the server tells of one: the vault's header and the
// sealed files.
type Submission struct {
	ID       string   `json:"id"`
	Channel  string   `json:"channel"`
	Day      string   `json:"day"` // UTC, "2006-01-02"
	Epoch    uint64   `json:"epoch"`
	Envelope Sealed   `json:"envelope"`
	Payloads []Sealed `json:"payloads"` // the manifest's first
}

// Sealed is the size and SHA-256 of a sealed file.
type Sealed struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // 64 lower-case hexadecimal digits
}

var errIndex = errors.New("the parcel's index is damaged")

// UnmarshalJSON refuses an entry as soon as it is read: an index of empty
// entries would otherwise take thirty times its size in memory before anyone
// looks at it.
func (s *Sealed) UnmarshalJSON(raw []byte) error {
	type plain Sealed
	*s = Sealed{}
	if err := json.Unmarshal(raw, (*plain)(s)); err != nil {
		return errIndex
	}
	return s.check()
}

func (s Sealed) check() error {
	digest, err := hex.DecodeString(s.SHA256)
	if err != nil || len(digest) != sha256.Size || hex.EncodeToString(digest) != s.SHA256 || s.Size < 0 {
		return errIndex
	}
	return nil
}

// UnmarshalJSON refuses early, as that of [Sealed] does. The server is not
// trusted, and ids become folder names at the desk.
func (s *Submission) UnmarshalJSON(raw []byte) error {
	type plain Submission
	*s = Submission{}
	if err := json.Unmarshal(raw, (*plain)(s)); err != nil {
		return errIndex
	}
	if _, err := vault.ParseID(s.ID); err != nil || s.Envelope.check() != nil || len(s.Payloads) == 0 {
		return errIndex
	}
	return nil
}

// parseIndex never passes on the decoder's error: it may quote the file.
func parseIndex(raw []byte) (*Index, error) {
	var x Index
	if err := json.Unmarshal(raw, &x); err != nil {
		return nil, errIndex
	}
	if x.Version != Version {
		return nil, fmt.Errorf("the parcel has format version %d, this program knows %d", x.Version, Version)
	}
	seen := make(map[string]bool, len(x.Submissions))
	for _, s := range x.Submissions {
		if s.ID == "" || seen[s.ID] {
			return nil, errIndex
		}
		seen[s.ID] = true
	}
	return &x, nil
}

// envelopeItem stands for the envelope where files are numbered by item.
const envelopeItem = -1

// A place is one of the index's files: a submission and an item of it.
type place struct {
	submission int
	item       int
}

var firstPlace = place{item: envelopeItem}

func (x *Index) has(at place) bool { return at.submission < len(x.Submissions) }

// after is the place of the next file, in the order of the parcel.
func (x *Index) after(at place) place {
	if at.item+1 < len(x.Submissions[at.submission].Payloads) {
		return place{at.submission, at.item + 1}
	}
	return place{at.submission + 1, envelopeItem}
}

func (x *Index) sealed(at place) Sealed {
	s := &x.Submissions[at.submission]
	if at.item == envelopeItem {
		return s.Envelope
	}
	return s.Payloads[at.item]
}

func (x *Index) name(at place) string {
	id := x.Submissions[at.submission].ID
	if at.item == envelopeItem {
		return "submissions/" + id + "/envelope.pgp"
	}
	return fmt.Sprintf("submissions/%s/%d.pgp", id, at.item)
}
