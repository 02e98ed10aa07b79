package mailbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sourdine/vault/seal"
)

const (
	// maxReceipt is the largest receipt, in bytes. Shortened names keep a
	// hundred files well below it.
	maxReceipt = 256 << 10

	// maxName is how much of a file's name a receipt keeps, in characters.
	maxName = 200
)

// A Receipt says what was received, to the source alone.
type Receipt struct {
	Version int    `json:"version"`
	Day     string `json:"day"` // UTC, "2006-01-02"
	Channel string `json:"channel"`
	Message bool   `json:"message"` // whether there was one; its text is not kept
	Files   []File `json:"files"`
}

// A File is a file that was received.
type File struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

const receiptVersion = 1

// Seal encrypts a receipt to the mailbox: an ordinary OpenPGP message.
func (k Key) Seal(r Receipt, now time.Time) ([]byte, error) {
	raw, err := r.encode()
	if err != nil {
		return nil, err
	}
	public, err := k.Certificate()
	if err != nil {
		return nil, err
	}
	certificate, err := seal.ParseCertificate(public, now)
	if err != nil {
		return nil, fmt.Errorf("the mailbox's certificate: %w", err)
	}
	s, err := seal.New(seal.Roster{certificate}, now)
	if err != nil {
		return nil, err
	}
	message := bytes.NewBuffer(s.Envelope())
	w, err := s.Item(message)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return message.Bytes(), nil
}

func (r Receipt) encode() ([]byte, error) {
	r.Version = receiptVersion
	r.Files = slices.Clone(r.Files)
	for i, f := range r.Files {
		if name := []rune(f.Name); len(name) > maxName {
			r.Files[i].Name = string(name[:maxName]) + "…"
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the page escapes for itself
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("failed to encode a receipt: %w", err)
	}
	if b.Len() > maxReceipt {
		return nil, errors.New("the receipt is over its limit")
	}
	return b.Bytes(), nil
}

// Open decrypts a receipt that Seal encrypted, or returns [ErrLocked].
func (k Key) Open(sealed []byte) (Receipt, error) {
	raw, err := k.open(sealed, maxReceipt)
	if err != nil {
		return Receipt{}, err
	}
	var r Receipt
	if err := json.Unmarshal(raw, &r); err != nil || r.Version != receiptVersion {
		return Receipt{}, ErrLocked
	}
	return r, nil
}
