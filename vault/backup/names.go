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
	forksFolder = "forks/"
)

// Limits, in bytes.
const (
	maxText       = 64 << 10
	maxManifest   = 1 << 20
	maxKey        = 4 << 10
	maxCheckpoint = 4 << 10 // order.MaxCheckpoint
	// maxSlots is a full slots file: slots/FORMAT.md, section 1.
	maxSlots = 8<<10 + slots.MaxSlots*128

	maxOnionKeys = 16
	maxForks     = 2000
)

var (
	onionForm = regexp.MustCompile(`^` + onionFolder + `[a-z0-9-]{1,32}\.key$`)
	// forkForm has the fingerprint of an OpenPGP key, of version 4 or 6.
	forkForm = regexp.MustCompile(`^` + forksFolder + `([0-9A-F]{40}|[0-9A-F]{64})\.checkpoint$`)
)

// IsForkName tells whether a file of the home's forks folder can be in a backup.
func IsForkName(name string) bool { return forkForm.MatchString(forksFolder + name) }

// Where in the order a name belongs.
const (
	noRank = iota
	readmeRank
	keyRank
	onionRank
	forkRank
	slotsRank
	vaultRank
	manifestRank
)

// place returns the rank of a name, and how large its file may be.
func place(name string) (rank int, limit int64) {
	switch {
	case name == readmeName:
		return readmeRank, maxText
	case name == keyName:
		return keyRank, maxKey
	case onionForm.MatchString(name):
		return onionRank, maxKey
	case forkForm.MatchString(name):
		return forkRank, maxCheckpoint
	case name == slotsName:
		return slotsRank, maxSlots
	case name == vaultName:
		return vaultRank, math.MaxInt64
	case name == manifestName:
		return manifestRank, maxManifest
	}
	return noRank, 0
}

// most is how many files may have a rank.
func most(rank int) int {
	switch rank {
	case onionRank:
		return maxOnionKeys
	case forkRank:
		return maxForks
	}
	return 1
}

// follows tells whether an entry may stand behind another: "" is before the
// first.
func follows(name, before string) bool {
	rank, _ := place(name)
	last, _ := place(before)
	if rank == last && most(rank) > 1 {
		return strings.Compare(name, before) > 0
	}
	next := last + 1
	for next < rank && most(next) > 1 { // of these there may be none
		next++
	}
	return rank == next
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
