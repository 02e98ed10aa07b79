package translog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	// MaxSize is the largest log, in leaves. The tlog package counts in 64 bits
	// and never returns for a size above 2^62.
	MaxSize = 1 << 40

	// MaxCheckpoint is the largest signed checkpoint, in bytes.
	MaxCheckpoint = 64 << 10
)

const originForm = `sourdine/vault/[0-9a-f]{8}`

var (
	anyOrigin = regexp.MustCompile(`^` + originForm + `$`)
	vaultKeys = regexp.MustCompile(`^` + originForm + `\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$`)
	anySize   = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)
)

// ErrSignature is returned for a checkpoint that the vault's key did not sign.
var ErrSignature = errors.New("the checkpoint is not signed by this vault's key")

// A Checkpoint is the head of the log at a size (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string // the name of the vault's key, "sourdine/vault/XXXXXXXX"
	Size   int64  // in leaves
	Root   tlog.Hash
}

// Origin returns the name of a vault's public key in the note package's
// encoding, and refuses what is not one.
func Origin(vaultKey string) (string, error) {
	if !vaultKeys.MatchString(vaultKey) {
		return "", errors.New("not a vault's key")
	}
	verifier, err := note.NewVerifier(vaultKey)
	if err != nil {
		return "", errors.New("not a vault's key")
	}
	return verifier.Name(), nil
}

// Text is what a signature covers: three lines, each with its line break.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// Sign returns the checkpoint as a signed note. The key is the vault's secret
// one in the note package's encoding, and its name must be the origin. Whoever
// signs must never have signed a log that this one does not continue.
func (c Checkpoint) Sign(secret string) ([]byte, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, errors.New("the vault's key is damaged")
	}
	if c.Origin != signer.Name() || !anyOrigin.MatchString(c.Origin) {
		return nil, errors.New("the checkpoint's origin is not the name of the vault's key")
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		return nil, fmt.Errorf("failed to sign the checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint verifies a signed checkpoint under a vault's public key, which
// the caller trusts. Signatures of other keys are ignored, as C2SP signed-note
// wants it. It returns [ErrSignature], or an error that says what is wrong with
// what the vault did sign.
func OpenCheckpoint(signed []byte, vaultKey string) (Checkpoint, error) {
	origin, err := Origin(vaultKey)
	if err != nil {
		return Checkpoint{}, err
	}
	verifier, err := note.NewVerifier(vaultKey)
	if err != nil || len(signed) > MaxCheckpoint {
		return Checkpoint{}, ErrSignature
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, ErrSignature
	}
	c, err := parseText(opened.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != origin {
		return Checkpoint{}, errors.New("the checkpoint is of another log than its vault's")
	}
	return c, nil
}

// parseText refuses extension lines, which the specification allows: nobody
// could check what they say.
func parseText(text string) (Checkpoint, error) {
	damaged := errors.New("the checkpoint is damaged, though its vault signed it")
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || !anySize.MatchString(lines[1]) {
		return Checkpoint{}, damaged
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return Checkpoint{}, damaged
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, damaged
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if c.Text() != text { // base 64 has more than one spelling
		return Checkpoint{}, damaged
	}
	if err := c.check(); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// check is of the numbers only: proofs need no origin.
func (c Checkpoint) check() error {
	if err := checkSize(c.Size); err != nil {
		return err
	}
	if c.Size == 0 && c.Root != emptyRoot() {
		return errors.New("the root of the empty log is wrong")
	}
	return nil
}

func checkSize(size int64) error {
	if size < 0 || size > MaxSize {
		return errors.New("not the size of a log")
	}
	return nil
}

// emptyRoot is the hash of no bytes (RFC 6962, section 2.1).
func emptyRoot() tlog.Hash { return sha256.Sum256(nil) }
