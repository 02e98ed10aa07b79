package mailbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"sourdine/vault/seal"
)

// maxReceipt is the largest receipt, in bytes: a hundred long names.
const maxReceipt = 1 << 20

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
	r.Version = receiptVersion
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("failed to encode a receipt: %w", err)
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
