package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sourdine/vault/slots"
)

// checkSlots reads the slots file, which it leaves open for the envelopes.
func (v *verification) checkSlots() {
	v.readSlotNumbers()
	if len(v.slotsID) != slotsIDSize {
		return // said before
	}
	path := slotsPath(v.path)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if len(v.numbers) > 0 {
			v.damage("%s is missing: it holds the keys without which no submission can be opened", filepath.Base(path))
		}
		return
	}
	file, err := slots.Open(path, [slotsIDSize]byte(v.slotsID), slices.Values(v.numbers))
	if errors.Is(err, slots.ErrLocked) {
		v.err = locked(path)
		return
	}
	if err != nil {
		v.damage("no key can be read: %s", err)
		return
	}
	v.slots = file
	if v.unsure {
		file.OnlyGrow()
	}
	v.err = errors.Join(v.repairSlots(file), v.verifySlots(file))
}

func (v *verification) closeSlots() {
	if v.slots != nil {
		_ = v.slots.Close() // nothing is lost
	}
}

func (v *verification) repairSlots(file *slots.File) error {
	if !v.options.Repair {
		return nil
	}
	n, err := file.Repair(v.ctx)
	if n > 0 {
		v.report.Mended = append(v.report.Mended, fmt.Sprintf("damage in the slots file: %s, from the good copies or because nothing uses them", times(n, "place")))
	}
	return err
}

func times(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (v *verification) verifySlots(file *slots.File) error {
	for f, err := range file.Verify(v.ctx) {
		if err != nil {
			return err
		}
		if f.Problem != slots.HeaderDamaged && v.spent[f.Slot] {
			continue // being overwritten
		}
		hint := ""
		if f.Problem == slots.OneCopy || f.Problem == slots.HeaderDamaged || f.Problem == slots.Litter {
			hint = ": nothing suffers, and --repair mends it"
		}
		v.damage("vault.slots: %s%s", f, hint)
	}
	v.report.Fine.Slots = max(file.Stats().Used-len(v.spent), 0)
	return nil
}

// readSlotNumbers reads which slots are in use.
func (v *verification) readSlotNumbers() {
	for _, bucket := range [][]byte{bucketSlots, bucketSpent} {
		v.each(bucket, func(key, owner []byte, sound bool) {
			if len(key) == slotSize {
				v.numbers = append(v.numbers, binary.BigEndian.Uint32(key))
			}
			if !sound || len(key) != slotSize || len(owner) != len(ID{}) {
				v.unsure = true
				v.damage("vault.db, %s: whose a slot is cannot be read: its submission can be opened, and perhaps not be deleted", bucket)
				return
			}
			if &bucket[0] == &bucketSpent[0] {
				v.spent[binary.BigEndian.Uint32(key)] = true
				return
			}
			if !v.has(bucketSubmissions, owner) {
				v.strays[ID(owner)] = true
			}
		})
	}
	v.unsure = v.unsure || v.broken
}

var errEnvelope = errors.New("damaged")

// checkEnvelope opens an envelope with the key in its slot.
func (v *verification) checkEnvelope(id ID) error {
	value, err := v.value(bucketEnvelopes, id[:])
	switch {
	case err != nil:
		return errEnvelope
	case len(value) <= slotSize:
		return errors.New("missing")
	case v.slots == nil:
		return errors.New("the keys cannot be read")
	}
	number := value[:slotSize]
	owner, err := v.value(bucketSlots, number)
	if err == nil && !bytes.Equal(owner, id[:]) {
		return errors.New("its slot is not noted as its own")
	}
	key, err := v.slots.Key(binary.BigEndian.Uint32(number))
	if err != nil {
		return err
	}
	_, err = key.Unwrap(id, value[slotSize:])
	return err
}
