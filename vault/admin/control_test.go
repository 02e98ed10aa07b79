package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

func armoredCertificate(t testing.TB, k vaulttest.Key) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = errors.Join(k.Entity.Serialize(w), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fill puts a submission of that many bytes into the channel Nice, which gets a
// reviewer when there is none.
func fill(t testing.TB, v *vault.Vault, size int) vault.ID {
	t.Helper()
	roster, err := v.Roster("Nice")
	if errors.Is(err, vault.ErrNotFound) {
		if err = v.AddChannel(ctx, "Nice"); err == nil {
			roster, err = v.AddMember(ctx, "Nice", vault.Member{Fingerprint: strings.Repeat("AB", 20), Certificate: []byte("c")})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	d := v.NewDraft()
	w, err := d.Item(ctx, 0)
	if err == nil {
		_, err = w.Write(make([]byte, size))
	}
	if err == nil {
		err = w.Close()
	}
	var id vault.ID
	if err == nil {
		id, err = d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: roster.Epoch, Envelope: []byte("e")})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestExportLocallyAndRemotely(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local := serving(t, h)
	fill(t, local.Vault(), 3<<20)
	var want, got bytes.Buffer
	if err := errors.Join(only(local.ExportParcel(ctx, &want, admin.Export{})), only(connect(t, h).ExportParcel(ctx, &got, admin.Export{}))); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes from the server, %d from the vault", got.Len(), want.Len())
	}
	s, err := local.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parcel.Open(&got, func(string) error { return nil })
	if err != nil || r.VaultKey() != s.VaultKey || len(r.Index().Submissions) != 1 {
		t.Errorf("%v", err)
	}
}

// onFirst does something when the first bytes come.
type onFirst struct {
	io.Writer
	do func()
}

func (w *onFirst) Write(p []byte) (int, error) {
	if w.do != nil {
		w.do()
		w.do = nil
	}
	return w.Writer.Write(p)
}

// A parcel that breaks off is an error, never a short parcel.
func TestBrokenOffExport(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	fill(t, local.Vault(), 8<<20)
	for name, wantCancelled := range map[string]bool{"the server stops": false, "the command is interrupted": true} {
		listener, err := admin.ListenControl(h)
		if err != nil {
			t.Fatal(err)
		}
		serving, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- local.ServeControl(serving, listener) }()
		remote := connect(t, h)
		asking, interrupt := context.WithCancel(ctx)
		// A stick that takes longer than a server that ends waits for its answers.
		do := func() { stop(); time.Sleep(admin.Farewell + time.Second/2) }
		if wantCancelled {
			do = interrupt
		}
		var got bytes.Buffer
		_, err = remote.ExportParcel(asking, &onFirst{&got, do}, admin.Export{})
		if err == nil || errors.Is(err, context.Canceled) != wantCancelled {
			t.Errorf("%s: %v after %d bytes", name, err, got.Len())
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("ServeControl: %v", err)
		}
		interrupt()
	}
}

// A stick that is full ends the export on both sides.
func TestExportToFullStick(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local := serving(t, h)
	fill(t, local.Vault(), 8<<20)
	errFull := errors.New("no space left")
	r, w := io.Pipe()
	r.CloseWithError(errFull)
	for name, a := range map[string]admin.Admin{"locally": local, "remotely": connect(t, h)} {
		if _, err := a.ExportParcel(ctx, w, admin.Export{}); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An answer that is not a parcel is not taken for one.
func TestExportFromAnotherServer(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	v, err := vault.Open(h.Vault()) // holds the lock
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	listener, err := admin.ListenControl(h)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(listener)
	defer server.Close()
	var got bytes.Buffer
	remote := connect(t, h)
	if _, err := remote.ExportParcel(ctx, &got, admin.Export{}); err == nil || got.Len() > 0 {
		t.Errorf("%q, %v", got.String(), err)
	}
	if err := remote.AddChannel(ctx, "Nice"); err == nil {
		t.Error("a channel was added by nobody")
	}
}

// Someone holds the vault and does not answer: callers can tell.
func TestLockedAndSilent(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	v, err := vault.Open(h.Vault())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	remote := connect(t, h)
	if _, err := remote.Status(ctx); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("without a socket: %v", err)
	}
	stale(t, h)
	if _, err := remote.ExportParcel(ctx, io.Discard, admin.Export{}); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("with a stale socket: %v", err)
	}
}

// stale leaves a socket file that nobody listens on, as kill -9 does.
func stale(t *testing.T, h admin.Home) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.Socket("control"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestControlSocket(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	stale(t, h)
	serving(t, h)
	info, err := os.Stat(h.Socket("control"))
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := connect(t, h).Status(ctx); err != nil {
		t.Error(err)
	}
}

func only(_ admin.Rest, err error) error { return err }

// What was not taken, and why nothing was, is told over the socket as well.
func TestExportTellsTheSameRemotely(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local := serving(t, h)
	fill(t, local.Vault(), 100)
	fill(t, local.Vault(), 100)
	remote := connect(t, h)
	rest, err := local.ExportParcel(ctx, io.Discard, admin.Export{})
	if err != nil || rest.Count != 0 || rest.After == "" {
		t.Fatalf("%+v, %v", rest, err)
	}
	for _, after := range []string{"", rest.After, "aaaaaaaaaaaaaaaaaaaaaaaaaa", "zzzzzzzzzzzzzzzzzzzzzzzzza", "../../etc/passwd", strings.ToUpper(rest.After)} {
		var want, got bytes.Buffer
		wantRest, wantErr := local.ExportParcel(ctx, &want, admin.Export{After: after})
		gotRest, gotErr := remote.ExportParcel(ctx, &got, admin.Export{After: after})
		if gotRest != wantRest || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || errors.Is(gotErr, admin.ErrRefused) != errors.Is(wantErr, admin.ErrRefused) || !bytes.Equal(want.Bytes(), got.Bytes()) {
			t.Errorf("%q: %+v, %v from the server; %+v, %v from the vault", after, gotRest, gotErr, wantRest, wantErr)
		}
	}
	if _, err := remote.ExportParcel(ctx, io.Discard, admin.Export{After: "x"}); !errors.Is(err, admin.ErrRefused) {
		t.Errorf("a wrong id: %v", err)
	}
}

// A server that fails is not "in use by another program".
func TestExportFailsOnTheServersSide(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	v, err := vault.Open(h.Vault())
	if err != nil {
		t.Fatal(err)
	}
	fill(t, v, 100)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, h.Vault(), "pending", nil)
	local := serving(t, h)
	remote := connect(t, h)
	want := only(local.ExportParcel(ctx, io.Discard, admin.Export{}))
	got := only(remote.ExportParcel(ctx, io.Discard, admin.Export{}))
	if want == nil || got == nil || got.Error() != want.Error() || errors.Is(got, vault.ErrLocked) {
		t.Errorf("%v from the server, %v from the vault", got, want)
	}
}

// flip flips a bit in the first value of a bucket under a prefix, or in that of the
// first bucket in it.
func flip(t *testing.T, path, bucket string, prefix []byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		k, stored := b.Cursor().Seek(prefix)
		if !bytes.HasPrefix(k, prefix) {
			return errors.New("there is no such value")
		}
		if stored == nil {
			b = b.Bucket(k)
			k, stored = b.Cursor().First()
		}
		stored = bytes.Clone(stored)
		stored[len(stored)/2] ^= 4
		return b.Put(bytes.Clone(k), stored)
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
