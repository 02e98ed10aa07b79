package parcel

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/translog"
)

var errIndex = errors.New("the parcel's index is damaged")

// parseIndex never passes on the decoder's error: it may quote the file.
func parseIndex(raw []byte) (*Index, error) {
	var x Index
	if err := json.Unmarshal(raw, &x); err != nil {
		return nil, errIndex
	}
	if x.Version != Version {
		return nil, fmt.Errorf("the parcel has format version %d, this program knows %d", x.Version, Version)
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	return &x, nil
}

// UnmarshalJSON refuses an entry as soon as it is read: an index of empty
// entries would otherwise take thirty times its size in memory before anyone
// looks at it.
func (s *Sealed) UnmarshalJSON(raw []byte) error {
	type plain Sealed
	*s = Sealed{}
	if err := json.Unmarshal(raw, (*plain)(s)); err != nil || !isSealed(s.Size, s.SHA256) {
		return errIndex
	}
	return nil
}

// UnmarshalJSON refuses early, as that of [Sealed] does.
func (n *Named) UnmarshalJSON(raw []byte) error {
	type plain Named
	*n = Named{}
	if err := json.Unmarshal(raw, (*plain)(n)); err != nil || n.Name == "" || !isSealed(n.Size, n.SHA256) {
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
	if _, err := vault.ParseID(s.ID); err != nil || s.Envelope.SHA256 == "" || len(s.Payloads) == 0 || s.Leaf < 0 {
		return errIndex
	}
	return nil
}

func isSealed(size int64, digest string) bool {
	raw, err := hex.DecodeString(digest)
	return err == nil && len(raw) == sha256.Size && hex.EncodeToString(raw) == digest && size >= 0
}

// check is of what the entries say together.
func (x *Index) check() error {
	if !fingerprints.MatchString(x.Reviewer) || x.Since < 0 || x.Since > x.Size || x.Size > translog.MaxSize || x.Left < 0 {
		return errIndex
	}
	if err := checkFiles(x.Files); err != nil {
		return err
	}
	var last vault.ID
	if x.After != "" {
		var err error
		if last, err = vault.ParseID(x.After); err != nil {
			return errIndex
		}
	}
	first := x.After == ""
	for i := range x.Submissions {
		id, err := vault.ParseID(x.Submissions[i].ID)
		if err != nil || x.Submissions[i].Leaf >= x.Size || !first && bytes.Compare(last[:], id[:]) >= 0 {
			return errIndex
		}
		last, first = id, false
	}
	return nil
}

// maxRoster is the largest roster that a desk reads whole, in bytes.
const maxRoster = 64 << 20

// A fileForm is what files before the submissions are called, and how large they
// may be.
type fileForm struct {
	name   string
	suffix *regexp.Regexp // of what is in the folder that the name is; nil for one file
	limit  int64
}

var (
	rosterSuffix  = regexp.MustCompile(`^[0-9a-f]{64}\.json$`)
	orderSuffix   = regexp.MustCompile(`^[0-9a-f]{64}\.txt$`)
	appliedSuffix = regexp.MustCompile(`^([0-9A-F]{40}|[0-9A-F]{64})\.note$`)
)

func fileForms() []fileForm {
	const unlimited = 1<<63 - 1 // streamed
	return []fileForm{
		{CheckpointName, nil, translog.MaxCheckpoint}, {LeavesName, nil, unlimited}, {ProofsName, nil, unlimited},
		{RostersFolder, rosterSuffix, maxRoster}, {OrdersFolder, orderSuffix, order.MaxProof}, {AppliedFolder, appliedSuffix, order.MaxApplied},
	}
}

// checkFiles refuses files of other names, in another order, twice, or too large
// for who reads them whole.
func checkFiles(files []Named) error {
	for _, form := range fileForms() {
		n := form.count(files)
		if n == 0 && form.suffix == nil {
			return errIndex
		}
		for i, f := range files[:n] {
			if f.Size > form.limit || i > 0 && files[i-1].Name >= f.Name {
				return errIndex
			}
		}
		files = files[n:]
	}
	if len(files) > 0 {
		return errIndex
	}
	return nil
}

// count is how many files of the form the list begins with.
func (form fileForm) count(files []Named) int {
	for i, f := range files {
		if !form.fits(f.Name) {
			return i
		}
	}
	return len(files)
}

func (form fileForm) fits(name string) bool {
	if form.suffix == nil {
		return name == form.name
	}
	rest, ok := strings.CutPrefix(name, form.name)
	return ok && form.suffix.MatchString(rest)
}
