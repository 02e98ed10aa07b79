package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"sourdine/vault/spoken"
	"sourdine/vault/vaulttest"
)

func TestBackupScripts(t *testing.T) {
	more := commands(t)
	// decrypt KEY FILE TAR: as the admin does on another machine.
	more["decrypt"] = func(ts *testscript.TestScript, neg bool, args []string) {
		tar, err := decrypted(ts.MkAbs(args[0]), ts.MkAbs(args[1]))
		if (err != nil) != neg {
			ts.Fatalf("decrypting %s: %v", args[1], err)
		}
		if !neg {
			ts.Check(os.WriteFile(ts.MkAbs(args[2]), tar, 0o600))
		}
	}
	// spoken LANGUAGE FILE: tells what is in it in words.
	more["spoken"] = func(ts *testscript.TestScript, _ bool, args []string) {
		words := spoken.Words(ts.ReadFile(args[1]), args[0])
		fmt.Fprintln(ts.Stdout(), strings.Join(words, " "))
	}
	// halve FILE: takes its second half off.
	more["halve"] = func(ts *testscript.TestScript, _ bool, args []string) {
		raw, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), raw[:len(raw)/2], 0o600))
	}
	// alter FILE: flips a bit in its middle.
	more["alter"] = func(ts *testscript.TestScript, _ bool, args []string) {
		raw, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		raw[len(raw)/2] ^= 1
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), raw, 0o600))
	}
	admin := vaulttest.NewKey(t, vaulttest.PostQuantum)
	var private bytes.Buffer
	if err := admin.Entity.SerializePrivateWithoutSigning(&private, nil); err != nil {
		t.Fatal(err)
	}
	prepare := setup(t)
	testscript.Run(t, testscript.Params{Dir: "testdata/backup", Cmds: more, Setup: func(env *testscript.Env) error {
		fingerprint := fmt.Sprintf("encrypted to %X\n", admin.Entity.PrimaryKey.Fingerprint)
		return errors.Join(prepare(env),
			os.WriteFile(filepath.Join(env.WorkDir, "admin.pgp"), []byte(armored(t, admin)), 0o600),
			os.WriteFile(filepath.Join(env.WorkDir, "admin.key"), private.Bytes(), 0o600),
			os.WriteFile(filepath.Join(env.WorkDir, "told"), []byte(fingerprint), 0o600))
	}})
}

func decrypted(key, file string) ([]byte, error) {
	rawKey, err := os.ReadFile(key)
	if err != nil {
		return nil, err
	}
	keys, err := openpgp.ReadKeyRing(bytes.NewReader(rawKey))
	if err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := openpgp.ReadMessage(f, keys, nil, &packet.Config{})
	if err != nil {
		return nil, err
	}
	tar, err := io.ReadAll(m.UnverifiedBody)
	return tar, errors.Join(err, m.SignatureError)
}
