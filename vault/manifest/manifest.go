// Package manifest defines item 0 of a submission: what the source wrote and
// what the other items are called, as JSON.
//
// It promises that what Encode writes Parse reads back, and that Parse refuses
// what is larger than [MaxSize] or lacks a part. It does not promise that
// anything in a manifest is true or harmless: every text in it comes from the
// source. Names are shown as they are and never become paths (promise 8).
package manifest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	// Version is the version of the format that Encode writes.
	Version = 1
	// MaxSize is the largest encoded manifest, in bytes: a message of 1 MiB and
	// a hundred names of 4 KiB, escaped, stay below it.
	MaxSize = 16 << 20
	// MaxMessage is the longest message, in bytes of UTF-8.
	MaxMessage = 1 << 20
	// MaxName is the longest file name, in bytes of UTF-8.
	MaxName = 4 << 10
	// MaxItems is the largest number of files in one submission.
	MaxItems = 100
)

// A Manifest describes a submission. Unknown fields of later versions are
// ignored by Parse.
type Manifest struct {
	Version  int    `json:"version"`
	Language string `json:"language"` // of the page that the source used, BCP 47
	Message  string `json:"message"`
	Items    []Item `json:"items"`

	// Mailbox is the certificate that replies are sealed to, in binary form.
	Mailbox []byte `json:"mailbox,omitempty"`
}

// An Item describes the item N of the submission, N counting from 1.
type Item struct {
	N      int    `json:"n"`
	Name   string `json:"name"`   // as the source's browser sent it
	Size   int64  `json:"size"`   // in bytes
	SHA256 string `json:"sha256"` // of the plaintext, 64 hexadecimal digits
	Type   string `json:"type"`   // as the source's browser said it; not checked
}

// UnmarshalJSON refuses an item as soon as it is read: a manifest of millions of
// empty ones would otherwise take thirty times its size in memory before anyone
// counts them.
func (i *Item) UnmarshalJSON(raw []byte) error {
	type plain Item
	*i = Item{}
	if err := json.Unmarshal(raw, (*plain)(i)); err != nil {
		return errItem
	}
	return i.check()
}

func (i Item) check() error {
	digest, err := hex.DecodeString(i.SHA256)
	if i.N < 1 || i.N > MaxItems || i.Size < 0 || err != nil || len(digest) != 32 || len(i.Name) > MaxName {
		return errItem
	}
	return nil
}

var errItem = errors.New("an item of the manifest is not valid")

// Encode returns the manifest as JSON.
func (m Manifest) Encode() ([]byte, error) {
	m.Version = Version
	if m.Items == nil {
		m.Items = []Item{}
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a page escapes for itself; here it would only grow
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("failed to encode manifest: %w", err)
	}
	return b.Bytes(), nil
}

// Parse reads a manifest of at most [MaxSize] bytes.
func Parse(r io.Reader) (Manifest, error) {
	var m Manifest
	raw, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return m, fmt.Errorf("failed to read manifest: %w", err)
	}
	if len(raw) > MaxSize {
		return m, errors.New("the manifest is too large")
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		// The decoder's error may quote the source's text.
		return m, errors.New("the manifest is not valid JSON")
	}
	if m.Version != Version {
		return m, fmt.Errorf("the manifest has version %d, this program knows %d", m.Version, Version)
	}
	return m, m.check()
}

func (m Manifest) check() error {
	if len(m.Items) > MaxItems || len(m.Message) > MaxMessage {
		return errors.New("the manifest is over its limits")
	}
	for i, item := range m.Items {
		if item.N != i+1 || item.check() != nil {
			return fmt.Errorf("item %d of the manifest is not valid", i+1)
		}
	}
	return nil
}
