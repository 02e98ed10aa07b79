package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"sourdine/cmd/internal/cli"
	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
)

// Exit codes beside those of package cli.
const (
	exitHome     = 3
	exitLocked   = 4
	exitRefused  = 5
	exitNotFound = 6
	exitPartly   = 7
	exitDamaged  = 8
)

const exitCodes = `exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  there is no home at that place, or there is one already
  4  the vault is in use by a program that does not answer
  5  refused: a card, name or parcel is not acceptable
  6  a channel is not there
  7  a return parcel was applied, and a part of it was refused
  8  the home is damaged; a parcel that was written is without what cannot be read`

// unreadable is the error about a file of the admin's that is not in the home.
func unreadable(what string, err error) error {
	err = fmt.Errorf("failed to read the %s: %w", what, err)
	if errors.Is(err, fs.ErrPermission) {
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "let the user that runs this read the file"}
	}
	return err
}

// explain gives an error its exit code and, where there is something to do, a
// hint.
func explain(err error) cli.Failure {
	switch {
	case errors.Is(err, admin.ErrHomeExists):
		return cli.Failure{Err: err, Code: exitHome, Hint: "choose a folder that is empty or does not exist; an existing home is never touched"}
	case errors.Is(err, admin.ErrNoHome):
		return cli.Failure{Err: err, Code: exitHome, Hint: "make one with: sourdine init --home DIR"}
	case errors.Is(err, vault.ErrLocked):
		return cli.Failure{Err: err, Code: exitLocked, Hint: "another sourdine command is using this home; wait for its end, or stop it"}
	case errors.Is(err, vault.ErrNotOverwritten):
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "look at the disk and the system's log; a server that runs tries again by itself: see sourdine status --home DIR"}
	case errors.Is(err, vault.ErrGone):
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "put the home back where it was, and do it again; if it was deleted, copy its files from /proc/PID/fd of the server before you stop it"}
	case errors.Is(err, admin.ErrPaused):
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "set the clock if it is wrong; if the day is right: sourdine vault retention --home DIR --today DAY"}
	case errors.Is(err, admin.ErrOtherKey):
		return cli.Failure{Err: err, Code: exitDamaged, Hint: "put the vault.key that belongs to this vault back into the home, from a backup"}
	case errors.Is(err, parcel.ErrUnreadable):
		return cli.Failure{Err: err, Code: exitDamaged, Hint: "export into a file, with -o FILE: then it is made anew by itself"}
	case errors.Is(err, vault.ErrFull):
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "free some space on the disk of the home, or raise the quota, then do it again"}
	case errors.Is(err, vault.ErrFailed):
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "look at the disk and the system's log, then start it again: nothing that was acknowledged is lost"}
	case errors.Is(err, seal.ErrPrivateKey):
		return cli.Failure{Err: err, Code: exitRefused, Hint: "that key has travelled and must be considered burnt: its owner should make a new one and send the card only"}
	case errors.Is(err, admin.ErrStorage):
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "free some space on the disk of the home, then do it again; a server that runs may have to be started anew"}
	case errors.Is(err, admin.ErrOtherLog):
		return cli.Failure{Err: err, Code: exitRefused, Hint: "do not lose this file: it proves that there were two logs; see: sourdine status --home DIR"}
	case errors.Is(err, parcel.ErrOutdated):
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "something was deleted meanwhile: begin the export again, with its first file"}
	case errors.Is(err, vault.ErrLastReviewer):
		return cli.Failure{Err: err, Code: exitRefused, Hint: "put another one on the roster first: sourdine reviewer add --home DIR --channel NAME CARD"}
	case errors.Is(err, admin.ErrStranger), errors.Is(err, admin.ErrNoReviewer):
		return cli.Failure{Err: err, Code: exitRefused, Hint: "see the reviewers with: sourdine status --home DIR"}
	case errors.Is(err, admin.ErrRefused), errors.Is(err, vault.ErrExists):
		return cli.Failure{Err: err, Code: exitRefused}
	case errors.Is(err, vault.ErrNotFound):
		return cli.Failure{Err: err, Code: exitNotFound, Hint: "see the channels with: sourdine status --home DIR"}
	case errors.Is(err, context.Canceled):
		return cli.Failure{Err: errors.New("interrupted"), Code: cli.Failed}
	case errors.Is(err, fs.ErrPermission):
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "run as the user that the home belongs to"}
	}
	return cli.Failure{Err: err, Code: cli.Failed}
}
