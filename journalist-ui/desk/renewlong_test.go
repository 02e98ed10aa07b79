//go:build long

package desk_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// many submissions are renewed in one go.
const many = 200

// More than one return parcel takes waits for the one after. A file of the outbox
// that was damaged is left out.
func TestRenewInParts(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	const count = order.MaxFiles/order.MaxEnvelope + 3
	for range count {
		v.Submit(certificate, "une fuite")
	}
	joins(t, v, "second", vaulttest.NewKey(t, vaulttest.X25519).Certificate(t))
	importParcel(t, d, v.Parcel())
	renew(t, d, count)
	for i, path := range queued(t, home) {
		must(t, os.Remove(path))
		if i == 0 {
			must(t, os.WriteFile(path, []byte("x"), 0o600))
			continue
		}
		// As large as an envelope may be: of three thousand reviewers.
		large := make([]byte, order.MaxEnvelope)
		large[0] = byte(i)
		name := strings.Split(filepath.Base(path), "-")
		name[2] = fmt.Sprintf("%x.pgp", sha256.Sum256(large))
		must(t, os.WriteFile(filepath.Join(filepath.Dir(path), strings.Join(name, "-")), large, 0o600))
	}
	p, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase))
	if err != nil || p.Envelopes != count-3 {
		t.Fatalf("%+v, %v", p, err)
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(p.Write(t.Context(), w)) }()
	packed, err := io.ReadAll(r)
	must(t, err)
	if done := apply(t, v, packed); done.Refused != count-3 {
		t.Errorf("the server: %+v", done)
	}
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	if p, _ := prepare(t, d); p.Envelopes != 2 {
		t.Errorf("the next parcel: %+v", p)
	}
}
