package order

import (
	"fmt"
	"regexp"

	"sourdine/vault/translog"
)

// A form is how one of the two documents begins. They begin otherwise, so that
// neither can be taken for the other.
type form struct {
	name          string // of the file
	limit         int    // bytes
	head, version *regexp.Regexp
}

var (
	returnForm    = newForm("return.json", MaxReturn, "version", "vault_key")
	deletionsForm = newForm("deletions.json", MaxDeletions, "v", "vault")
)

func newForm(name string, limit int, version, vault string) form {
	return form{
		name: name, limit: limit,
		head:    regexp.MustCompile(`^\{"` + version + `":1,"` + vault + `":"([^"\\]{1,128})","reviewer":"([0-9A-F]{1,64})",`),
		version: regexp.MustCompile(`^\{"` + version + `":([0-9]{1,4}),`),
	}
}

func (f form) refusal() error { return fmt.Errorf("%s is not in the form of an order", f.name) }

// maxHead is more than the first three fields take, in bytes.
const maxHead = 512

// names reads the first three fields.
func (f form) names(raw []byte) (vaultKey, reviewer string, err error) {
	if len(raw) > f.limit {
		return "", "", f.refusal()
	}
	head := raw[:min(len(raw), maxHead)]
	if m := f.version.FindSubmatch(head); m != nil && string(m[1]) != fmt.Sprint(Version) {
		return "", "", fmt.Errorf("%s has version %s, this program knows %d", f.name, m[1], Version)
	}
	m := f.head.FindSubmatch(head)
	if m == nil || !fingerprintForm.Match(m[2]) {
		return "", "", f.refusal()
	}
	if _, err := translog.Origin(string(m[1])); err != nil {
		return "", "", f.refusal()
	}
	return string(m[1]), string(m[2]), nil
}

// Names returns which server and which reviewer return.json names, read off
// its first bytes: who calls it learns whose certificate to verify with, and has
// verified nothing.
func Names(raw []byte) (vaultKey, reviewer string, err error) { return returnForm.names(raw) }

// NamesOfDeletions is [Names] for deletions.json.
func NamesOfDeletions(raw []byte) (vaultKey, reviewer string, err error) {
	return deletionsForm.names(raw)
}
