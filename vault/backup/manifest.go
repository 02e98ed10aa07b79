package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Version is the version of the format that [Write] writes.
const Version = 1

// A Manifest says what is in a backup.
type Manifest struct {
	Version  int    `json:"version"`
	Day      string `json:"day"`       // UTC, "2006-01-02"
	VaultKey string `json:"vault_key"` // public
	LogSize  int64  `json:"log_size"`  // in leaves
	LogRoot  string `json:"log_root"`  // lower-case hexadecimal
	Files    []File `json:"files"`     // in the order of the tar
}

// A File is one that a manifest lists.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hexadecimal
}

// ErrDamaged is wrapped by the errors about a backup that is not as it was
// written.
var ErrDamaged = errors.New("the backup is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

func (m Manifest) encode() ([]byte, error) {
	raw, err := json.MarshalIndent(m, "", "  ")
	return append(raw, '\n'), err
}

// decodeManifest accepts what encode makes, and no other spelling of it.
func decodeManifest(raw []byte) (m Manifest, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, damaged("its manifest cannot be read")
	}
	if m.Version != Version {
		return m, fmt.Errorf("the backup has format version %d, this program knows %d", m.Version, Version)
	}
	if again, err := m.encode(); err != nil || !bytes.Equal(again, raw) {
		return m, damaged("its manifest is not as it was written")
	}
	return m, nil
}

// midnight is the time that all entries bear.
func midnight(day string) (time.Time, error) { return time.Parse(time.DateOnly, day) }
