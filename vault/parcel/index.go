package parcel

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"sort"
)

const (
	// Version is the version of the format that this package writes and reads.
	Version = 2

	noteName  = "parcel.note"
	indexName = "index.json"

	maxNote  = 64 << 10 // bytes
	maxIndex = 64 << 20 // bytes

	// fullIndex is where a writer goes on in another parcel, in bytes of what
	// the index says of submissions: 25,000 ordinary ones.
	fullIndex = 16 << 20
)

// The files that stand before the submissions, in their order (FORMAT.md,
// sections 4 and 5). What is in a folder is named by what follows it.
const (
	CheckpointName = "checkpoint"
	LeavesName     = "leaves.jsonl"
	ProofsName     = "proofs.jsonl"
	RostersFolder  = "rosters/" // SHA-256 of the roster
	OrdersFolder   = "orders/"  // SHA-256 that a deletion's leaf says
	AppliedFolder  = "applied/" // fingerprint of the reviewer
)

// An Index lists what a parcel holds, in the order of the files in it
// (FORMAT.md, section 3).
type Index struct {
	Version  int    `json:"version"`
	Reviewer string `json:"reviewer"` // fingerprint of the one it is for, or empty
	// The parcel shows the log at Size, and has its leaves from Since on.
	Since int64 `json:"since"`
	Size  int64 `json:"size"`
	// After is the submission after which this parcel's begin, or empty, and Left
	// how many follow its last one in further parcels.
	After       string       `json:"after"`
	Left        int          `json:"left"`
	Files       []Named      `json:"files"` // those before the submissions, in their order
	Submissions []Submission `json:"submissions"`
}

// Named is a file that stands before the submissions.
type Named struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // 64 lower-case hexadecimal digits
}

// A Submission is what the server tells of one: the vault's header and the
// sealed files.
type Submission struct {
	ID       string   `json:"id"`
	Channel  string   `json:"channel"`
	Day      string   `json:"day"` // UTC, "2006-01-02"
	Epoch    uint64   `json:"epoch"`
	Leaf     int64    `json:"leaf"` // its place in the log
	Envelope Sealed   `json:"envelope"`
	Payloads []Sealed `json:"payloads"` // the manifest's first
}

// Sealed is the size and SHA-256 of a sealed file.
type Sealed struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // 64 lower-case hexadecimal digits
}

func sealedOf(b []byte) Sealed { return Sealed{Size: int64(len(b)), SHA256: digestOf(b)} }

func named(name string, s Sealed) Named { return Named{Name: name, Size: s.Size, SHA256: s.SHA256} }

// envelopeItem stands for the envelope where files are numbered by item.
const envelopeItem = -1

// A place is a sealed file: a submission and an item of it.
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

// places returns how many sealed files there are before each submission, and in
// all.
func (x *Index) places() []int {
	starts := make([]int, len(x.Submissions)+1)
	for i, s := range x.Submissions {
		starts[i+1] = starts[i] + 1 + len(s.Payloads)
	}
	return starts
}

// placeOf is the n-th sealed file.
func placeOf(starts []int, n int) place {
	i := sort.SearchInts(starts, n+1) - 1
	return place{submission: i, item: n - starts[i] + envelopeItem}
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

// file is index.json. It is never there as a whole: beside the index itself,
// which a plan keeps, that would be as much again.
func (x *Index) file(ctx context.Context) (logFile, error) {
	f, err := fileOfRows(ctx, indexName, int64(len(x.Submissions))+2, x.rows)
	switch {
	case err != nil:
		return f, fmt.Errorf("failed to encode the parcel's index: %w", err)
	case f.Size > maxIndex:
		return f, fmt.Errorf("the parcel's %s would be larger than %d bytes", indexName, maxIndex)
	}
	return f, nil
}

// rows give, one after the other, what json.Marshal gives of the index: what
// stands before the submissions, each of them, and what stands behind.
func (x *Index) rows(from, to int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := from; i < to; i++ {
			row, err := x.row(int(i))
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

const indexEnd = "]}"

func (x *Index) row(i int) ([]byte, error) {
	switch {
	case i == 0:
		head := *x
		head.Submissions = []Submission{}
		raw, err := json.Marshal(&head)
		return raw[:max(len(raw)-len(indexEnd), 0)], err
	case i > len(x.Submissions):
		return []byte(indexEnd), nil
	}
	raw, err := json.Marshal(&x.Submissions[i-1])
	if i > 1 {
		raw = append([]byte(","), raw...)
	}
	return raw, err
}
