package main

import (
	"context"
	"errors"
	"io/fs"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/unseal"
	"sourdine/journalist-ui/witness"
)

// Exit codes beside those of package cli.
const (
	exitHome       = 3
	exitPassphrase = 4
	exitParcel     = 5
	exitNotFound   = 6
	exitDamaged    = 7
	exitBusy       = 8
	exitPartly     = 9
	exitFindings   = 10
)

const exitCodes = `exit codes:
  0  done
  1  failed
  2  the command line is wrong, or a value on it
  3  there is no home at that place, or something is there already
  4  the passphrase is wrong, or may not lock a key
  5  the parcel was refused, or from some submission on
  6  no such submission, item or record
  7  the item is damaged or not what its manifest says: nothing was saved
  8  another program is using the home
  9  the parcel was taken in, except the submissions that it names: refused, or
     not the same as before
  10 something is wrong with the parcel, a submission or the log: the lines say
     what. What is sound was taken in, what is doubtful is kept apart`

// explain gives an error its exit code and, where there is something to do, a
// hint.
func explain(err error) cli.Failure {
	for _, e := range explanations() {
		if errors.Is(err, e.when) {
			return cli.Failure{Err: err, Code: e.code, Hint: e.hint}
		}
	}
	var refused *desk.ParcelError
	if errors.As(err, &refused) {
		hint := "fetch the parcel again and import it again: what came in before is kept"
		if refused.Submission == "" {
			hint = "fetch the parcel from the pickup site again"
		}
		return cli.Failure{Err: err, Code: exitParcel, Hint: hint}
	}
	if errors.Is(err, context.Canceled) {
		return cli.Failure{Err: errors.New("interrupted"), Code: cli.Failed}
	}
	return cli.Failure{Err: err, Code: cli.Failed}
}

type explanation struct {
	when error
	code int
	hint string
}

func explanations() []explanation {
	const (
		lookUp     = "see what is there with: sourdine-desk list --home DIR --passphrase-file F"
		oneVault   = "a home serves one vault: check with the admin where this parcel comes from, and make another home for another vault"
		mend       = "if it was damaged on this disk, importing a parcel that has it into this home mends it: fetch one and import it"
		wordsWrong = "let the admin read them to you again, those of the restoration on the day that \"sourdine-desk restored\" shows; if they stay wrong, rely on nothing that comes from the server"
		asSealed   = "it came like that from the server, and another parcel will not change it: tell the admin"
	)
	return []explanation{
		{desk.ErrNoHome, exitHome, "make one with: sourdine-desk init --home DIR --name NAME --passphrase-file F"},
		{desk.ErrExists, exitHome, "choose a folder that is empty or does not exist; nothing is ever written over"},
		{desk.ErrPassphrase, exitPassphrase, "it is the first line of the file, blanks included; a lost passphrase cannot be replaced"},
		{desk.ErrWeakPassphrase, exitPassphrase, ""},
		{desk.ErrOtherVault, exitParcel, oneVault},
		{desk.ErrVaultKey, cli.Usage, ""},
		{desk.ErrNoVault, exitNotFound, "import a parcel first: sourdine-desk import --home DIR --passphrase-file F PARCEL"},
		{witness.ErrNoRestoration, exitNotFound, "it is the parcel that tells of one: import it first, then accept"},
		{desk.ErrWordCount, cli.Usage, "type all of them, as the admin reads them to you: sourdine-desk restored accept --home DIR --passphrase-file F WORD…"},
		{desk.ErrWords, cli.Usage, wordsWrong},
		{desk.ErrUnheard, exitNotFound, "nothing is lost: what that parcel shows to be forgotten goes into the next return parcel again"},
		{desk.ErrNothingToReturn, exitNotFound, "nothing came, was opened, answered, deleted or sealed anew since the last return parcel"},
		{desk.ErrNoMailbox, exitNotFound, ""},
		{desk.ErrNoRoster, exitNotFound, ""},
		{desk.ErrRosterChanged, cli.Failed, "run the command again: it says who reads the channel now"},
		{desk.ErrReplyText, cli.Usage, ""},
		{desk.ErrBusy, exitBusy, "try again when it is done"},
		{casebook.ErrBusy, exitBusy, ""},
		{desk.ErrNotFound, exitNotFound, lookUp},
		{casebook.ErrNotFound, exitNotFound, lookUp},
		{desk.ErrDiffers, exitDamaged, asSealed},
		{unseal.ErrDamaged, exitDamaged, mend},
		{casebook.ErrInvalid, cli.Usage, ""},
		{fs.ErrExist, cli.Failed, "choose another name: nothing is ever written over"},
	}
}
