package parcel

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sourdine/vault"
)

const (
	// Version is the version of the format that this package writes and reads.
	Version = 1

	noteName  = "parcel.note"
	indexName = "index.json"

	firstLine = "sourdine/parcel/v1 outbound"

	maxNote  = 64 << 10 // bytes
	maxIndex = 64 << 20 // bytes: a hundred thousand submissions take about 50 MiB
)

// An Index lists what a parcel holds, in the order of the files in it.
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
	SHA256 string `json:"sha256"` // 64 hexadecimal digits
}

// envelopeItem stands for the envelope where files are numbered by item.
const envelopeItem = -1

// A file is one of the index's files, in order.
type file struct {
	submission *Submission
	item       int
	sealed     Sealed
}

func (f file) name() string {
	if f.item == envelopeItem {
		return "submissions/" + f.submission.ID + "/envelope.pgp"
	}
	return fmt.Sprintf("submissions/%s/%d.pgp", f.submission.ID, f.item)
}

func (x *Index) files() []file {
	var files []file
	for i := range x.Submissions {
		s := &x.Submissions[i]
		files = append(files, file{s, envelopeItem, s.Envelope})
		for n, p := range s.Payloads {
			files = append(files, file{s, n, p})
		}
	}
	return files
}

// check refuses what could not have come from [Write]: the server is not
// trusted, and ids become folder names at the desk.
func (x *Index) check() error {
	if x.Version != Version {
		return fmt.Errorf("the parcel has format version %d, this program knows %d", x.Version, Version)
	}
	seen := make(map[string]bool, len(x.Submissions))
	for _, s := range x.Submissions {
		if _, err := vault.ParseID(s.ID); err != nil || seen[s.ID] {
			return errors.New("the parcel's index has an id that is not valid or stands twice")
		}
		seen[s.ID] = true
		if len(s.Payloads) == 0 {
			return fmt.Errorf("submission %s has no manifest in the parcel's index", s.ID)
		}
	}
	for _, f := range x.files() {
		if digest, err := hex.DecodeString(f.sealed.SHA256); err != nil || len(digest) != sha256.Size || f.sealed.Size < 0 {
			return fmt.Errorf("submission %s has a digest or size that is not valid in the parcel's index", f.submission.ID)
		}
	}
	return nil
}

func parseIndex(raw []byte) (*Index, error) {
	var x Index
	if err := json.Unmarshal(raw, &x); err != nil {
		return nil, fmt.Errorf("the parcel's index is damaged: %w", err)
	}
	return &x, x.check()
}

// signIndex binds the index and the public key into a signed note (C2SP
// signed-note).
func signIndex(index []byte, secret string) ([]byte, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, errors.New("the vault's key is damaged")
	}
	public, err := publicKey(secret)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%s\n%s\n%x\n", firstLine, public, sha256.Sum256(index))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, fmt.Errorf("failed to sign the parcel: %w", err)
	}
	return signed, nil
}

// claim is what a note says before its signature is verified.
type claim struct {
	vaultKey string
	digest   string
}

func parseClaim(signed []byte) (claim, error) {
	lines := strings.SplitN(string(signed), "\n", 4)
	if len(lines) < 4 || !strings.HasPrefix(lines[0], "sourdine/parcel/") {
		return claim{}, errNotParcel
	}
	if lines[0] != firstLine {
		return claim{}, fmt.Errorf("the parcel is of another kind or version (%.60q); this program reads %q", lines[0], firstLine)
	}
	return claim{vaultKey: lines[1], digest: lines[2]}, nil
}

// verifyNote checks the signature under the key that the caller trusts.
func verifyNote(signed []byte, vaultKey string) error {
	verifier, err := note.NewVerifier(vaultKey)
	if err != nil {
		return errors.New("the vault's public key is damaged")
	}
	if _, err := note.Open(signed, note.VerifierList(verifier)); err != nil {
		return ErrSignature
	}
	return nil
}
