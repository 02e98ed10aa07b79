package slots

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// TestFormat reads a file and an envelope from FORMAT.md alone, with nothing of
// this package's code.
func TestFormat(t *testing.T) {
	path, inUse := create(t), keys{}
	f := mustOpen(t, path, nil)
	slots := mustTake(t, f, 70, inUse)
	must(t, f.Zero(slots[0]))
	raw := contents(t, path)

	for _, page := range [][]byte{raw[:4096], raw[4096:8192]} {
		header := append([]byte("sourdine slots\r\n"), 0, 0, 0, 1, 0, 0, 16, 0, 0, 0, 0, 64, 0, 0, 0, 0)
		header = append(header, testID[:]...)
		sum := sha256.Sum256(header)
		header = append(header, sum[:]...)
		if !bytes.Equal(page, append(header, make([]byte, 4016)...)) {
			t.Fatal("the header is not what section 2 says")
		}
	}
	for i, slot := range slots {
		at := 8192 + slot/64*8192 + slot%64*64
		a, b := raw[at:at+64], raw[at+4096:at+4096+64]
		sum := sha256.Sum256(append(binary.BigEndian.AppendUint32(bytes.Clone(testID[:]), slot), a[:32]...))
		want := append(bytes.Clone(a[:32]), sum[:]...)
		if i == 0 {
			want = make([]byte, 64)
		}
		if !bytes.Equal(a, want) || !bytes.Equal(b, want) {
			t.Fatalf("slot %d is not what section 3 says", slot)
		}
	}
	slot, id := slots[1], [16]byte{42}
	wrapped := inUse[slot].Wrap(id, []byte("PKESK packets"))
	at := 8192 + slot/64*8192 + slot%64*64
	block, err := aes.NewCipher(raw[at : at+32])
	must(t, err)
	gcm, err := cipher.NewGCM(block)
	must(t, err)
	bound := append([]byte("sourdine envelope 1\n"), id[:]...)
	envelope, err := gcm.Open(nil, wrapped[:12], wrapped[12:], bound)
	if err != nil || string(envelope) != "PKESK packets" {
		t.Fatalf("the envelope is not what section 5 says: %v", err)
	}
}

// TestInPlace: the question has an answer here, whatever the file system.
func TestInPlace(t *testing.T) {
	f := mustOpen(t, create(t), nil)
	inPlace, err := f.InPlace()
	must(t, err)
	t.Logf("overwrites in place: %v", inPlace)
}
