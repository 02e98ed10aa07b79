package main

import (
	"errors"

	"sourdine/vault/admin"
)

// withAdmin runs f on a home: through the running server when there is one,
// else on the vault itself.
func withAdmin(home string, f func(admin.Admin) error) error {
	h, err := admin.OpenHome(home)
	if err != nil {
		return err
	}
	a, err := admin.Connect(h)
	if err != nil {
		return err
	}
	return errors.Join(f(a), a.Close())
}
