package slots

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// FormatVersion is the version of the file's layout that this package writes.
const FormatVersion = 1

// MaxSlots bounds the file (to 2 GiB), and the memory that opening it takes: a
// byte for each slot.
const MaxSlots = 1 << 24

// The file is a row of pairs of pages. In each pair, page B is a copy of page A
// (FORMAT.md, section 1):
//
//	pair 0          pair 1            pair 2
//	┌──────┬──────┐┌────────┬────────┐┌──────────┬──────────┐
//	│header│header││slots   │slots   ││slots     │slots     │ …
//	│  A   │  B   ││0…63  A │0…63  B ││64…127  A │64…127  B │
//	└──────┴──────┘└────────┴────────┘└──────────┴──────────┘
//	0      4096    8192     12288     16384
//
//	a slot, 64 bytes: empty (64 zeros) or
//	┌───────────────┬─────────────────────────────────────────┐
//	│ key (32)      │ SHA-256(file id · slot, 4 bytes · key)  │
//	└───────────────┴─────────────────────────────────────────┘
//
// What lies beyond the file's end counts as zeros.
const (
	pageSize = 4096
	slotSize = 64
	perPage  = pageSize / slotSize
	pairSize = 2 * pageSize
	keySize  = 32

	headerPair = pairSize // slots begin behind it
	maxSize    = headerPair + MaxSlots/perPage*pairSize
)

// A copyOf names one of the two pages of a pair.
type copyOf int

const (
	copyA copyOf = 0
	copyB copyOf = 1
)

var magic = [16]byte([]byte("sourdine slots\r\n"))

// offset is where a slot's copy lies in the file.
func offset(slot uint32, c copyOf) int64 {
	return pageOffset(int(slot/perPage), c) + int64(slot%perPage)*slotSize
}

func pageOffset(pair int, c copyOf) int64 {
	return headerPair + int64(pair)*pairSize + int64(c)*pageSize
}

// headerPage is all of a header page: nothing in it is open but the file's id,
// so it is compared and not parsed (FORMAT.md, section 2).
func headerPage(id [16]byte) []byte {
	page := make([]byte, 0, pageSize)
	page = append(page, magic[:]...)
	page = binary.BigEndian.AppendUint32(page, FormatVersion)
	page = binary.BigEndian.AppendUint32(page, pageSize)
	page = binary.BigEndian.AppendUint32(page, slotSize)
	page = binary.BigEndian.AppendUint32(page, 0)
	page = append(page, id[:]...)
	sum := sha256.Sum256(page)
	page = append(page, sum[:]...)
	return page[:pageSize]
}

// headerFields is the part of a header page before its checksum.
const headerFields = 48

var errHeader = errors.New("the header of the slots file is damaged")

// checkHeader tells a damaged header from one that says that the file is not
// this vault's or not for this program.
func checkHeader(page []byte, id [16]byte) error {
	if bytes.Equal(page, headerPage(id)) {
		return nil
	}
	sum := sha256.Sum256(page[:headerFields])
	if [16]byte(page) != magic || [32]byte(page[headerFields:]) != sum {
		return errHeader
	}
	if version := binary.BigEndian.Uint32(page[16:]); version != FormatVersion {
		return fmt.Errorf("the slots file has format version %d, this program knows %d", version, FormatVersion)
	}
	if [16]byte(page[32:]) != id {
		return errors.New("the slots file belongs to another vault")
	}
	return errHeader
}

// encodeSlot writes a slot that holds key to b.
func encodeSlot(b []byte, id [16]byte, slot uint32, key []byte) {
	copy(b[:keySize], key)
	sum := slotSum(id, slot, key)
	copy(b[keySize:slotSize], sum[:])
}

// slotSum covers the number, so that a page written in the wrong place is
// found, and the file's id, so that one of another file is.
func slotSum(id [16]byte, slot uint32, key []byte) [sha256.Size]byte {
	var b [16 + 4 + keySize]byte
	copy(b[:], id[:])
	binary.BigEndian.PutUint32(b[16:], slot)
	copy(b[20:], key)
	return sha256.Sum256(b[:])
}

// holdsKey reports whether b, a slot's copy, has a key with its checksum.
func holdsKey(b []byte, id [16]byte, slot uint32) bool {
	return slotSum(id, slot, b[:keySize]) == [sha256.Size]byte(b[keySize:slotSize])
}

var noBytes [slotSize]byte

func isEmpty(b []byte) bool { return bytes.Equal(b, noBytes[:]) }
