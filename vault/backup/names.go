package backup

import (
	"archive/tar"
	"math"
	"regexp"
	"strings"
	"time"

	"sourdine/vault/slots"
)

// Names of the entries.
const (
	readmeName   = "README.txt"
	keyName      = "vault.key"
	slotsName    = "vault.slots"
	vaultName    = "vault.db"
	manifestName = "manifest.json"

	onionFolder = "onion/"
)

// Limits, in bytes.
const (
	maxText = 64 << 10
	maxKey  = 4 << 10
	// maxSlots is a full slots file: slots/FORMAT.md, section 1.
	maxSlots = 8<<10 + slots.MaxSlots*128

	maxOnionKeys = 16
)

var onionForm = regexp.MustCompile(`^` + onionFolder + `[a-z0-9-]{1,32}\.key$`)

// place returns where in the order a name belongs, and how large its file may
// be; 0 for a name that is none.
func place(name string) (rank int, limit int64) {
	switch {
	case name == readmeName:
		return 1, maxText
	case name == keyName:
		return 2, maxKey
	case onionForm.MatchString(name):
		return 3, maxKey
	case name == slotsName:
		return 4, maxSlots
	case name == vaultName:
		return 5, math.MaxInt64
	case name == manifestName:
		return 6, maxText
	}
	return 0, 0
}

// follows tells whether an entry may stand behind another: "" is before the
// first.
func follows(name, before string) bool {
	rank, _ := place(name)
	last, _ := place(before)
	if rank == 0 {
		return false
	}
	if rank == last { // onion keys
		return strings.Compare(name, before) > 0
	}
	// Only onion keys may be missing.
	const keys, onions = 2, 3
	return rank == last+1 || last == keys && rank == onions+1
}

const fileMode = 0o600

func header(name string, size int64, made time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: fileMode, ModTime: made}
}

// checkHeader refuses what header does not make: links, folders, holes, owners.
func checkHeader(h *tar.Header) error {
	_, limit := place(h.Name)
	plain := h.Typeflag == tar.TypeReg && h.Linkname == "" && h.Mode == fileMode && h.Uid == 0 && h.Gid == 0 &&
		h.Uname == "" && h.Gname == "" && h.Devmajor == 0 && h.Devminor == 0 && h.AccessTime.IsZero() && h.ChangeTime.IsZero()
	for record := range h.PAXRecords {
		plain = plain && record == "size" // which ustar cannot hold from 8 GiB on
	}
	if !plain {
		return damaged("%q is not a plain file of the kind that a backup has", h.Name)
	}
	if h.Size < 0 || h.Size > limit {
		return damaged("%q has %d bytes", h.Name, h.Size)
	}
	return nil
}
