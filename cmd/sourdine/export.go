package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/parcel"
)

// exportOptions are the flags of parcel export.
type exportOptions struct {
	home, output, split string
	admin.Export
}

func parcelExportCommand() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export --home DIR -o FILE [--reviewer FINGERPRINT|NAME] [--split SIZE]",
		Short: "write a parcel for the desks",
		Long: `export writes what was received, sealed, into a parcel that desks import. It is a
plain tar, signed by the vault's key. FILE appears whole or not at all, and
replaces an older one; "-" is standard output. It holds what arrived until now; pickup
has that within six hours, or after an export.

For --reviewer it holds what that reviewer may read and has not acknowledged, and
what is new in the log since. Without, it is for all: what somebody has not
acknowledged, and the whole log.

--split writes FILE, FILE.2, FILE.3 and so on, none much larger than SIZE (such as
700MB or 4GB) unless one submission alone is. Desks import each of them.

Without it, when everything is too much for one parcel, export says how many
submissions are left; --after ID --at SIZE, both as it prints them, write the next.
Parcels that belong together show the log at the same size: a desk could else
believe that the server kept something back.`,
		Example: `  sourdine parcel export --home /var/lib/sourdine -o /media/stick/parcel.tar
  sourdine parcel export --home /var/lib/sourdine --reviewer Alice -o alice.tar --split 4GB`,
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return withAdmin(o.home, func(a admin.Admin) error { return runExport(cmd, a, o) })
		},
	}
	addHome(cmd, &o.home)
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "", `the parcel's file, or "-" (required)`)
	_ = cmd.MarkFlagRequired("output") // fails only for a flag that is not there
	flags.StringVar(&o.Reviewer, "reviewer", "", "for this reviewer only")
	flags.StringVar(&o.split, "split", "", "several files of about this size each")
	flags.StringVar(&o.After, "after", "", "begin behind this submission, where an earlier parcel ended; with --at")
	flags.Int64Var(&o.Size, "at", 0, "show the log at this size, as an earlier parcel did")
	return cmd
}

func (o *exportOptions) check() (err error) {
	usage := func(text, hint string) error {
		return cli.Failure{Err: errors.New(text), Code: cli.Usage, Hint: hint}
	}
	if _, err := vault.ParseID(o.After); o.After != "" && err != nil {
		return usage("--after is not the id of a submission", "take the id that an export printed")
	}
	if o.Size < 0 {
		return usage("--at is not the size of a log", "take the number that an export printed")
	}
	if o.After != "" && o.Size == 0 {
		return usage("--after goes with --at", "give both as the export before printed them")
	}
	if o.split == "" {
		return nil
	}
	if o.output == "-" {
		return usage("several files do not fit into standard output", "give a file with -o")
	}
	if o.Bytes, err = parseSize(o.split); err != nil {
		return usage("--split is not a size", "write it as 700MB, 4GB or 650MiB")
	}
	return nil
}

// runExport writes one parcel, or with --split all that it takes.
func runExport(cmd *cobra.Command, a admin.Admin, o exportOptions) error {
	var left leftOut
	for n := 1; ; n++ {
		path := o.output
		if n > 1 {
			path = fmt.Sprintf("%s.%d", o.output, n)
		}
		var rest admin.Rest
		write := func(ctx context.Context, w io.Writer) (err error) {
			rest, err = a.ExportParcel(ctx, w, o.Export)
			return err
		}
		if err := writeReadable(cmd, path, write); err != nil {
			return err
		}
		left.add(rest)
		switch {
		case o.split == "" && rest.Count > 0:
			fmt.Fprintf(cmd.ErrOrStderr(), "%d submissions did not fit; export them into another file with --after %s --at %d\n", rest.Count, rest.After, rest.Size)
			return left.failure()
		case o.split == "":
			return left.failure()
		case rest.Count == 0:
			fmt.Fprintf(cmd.ErrOrStderr(), "%d %s written: desks import each\n", n, map[bool]string{true: "file", false: "files"}[n == 1])
			return left.failure()
		}
		o.After, o.Size = rest.After, rest.Size
	}
}

// maxAttempts bounds how often a parcel is begun: the second leaves out what the
// first found to be unreadable, and a disk may fail further meanwhile.
const maxAttempts = 5

// writeReadable begins the file anew when something cannot be read.
func writeReadable(cmd *cobra.Command, path string, write func(context.Context, io.Writer) error) (err error) {
	for range maxAttempts {
		err = writeParcel(cmd, path, write)
		if path == "-" || !errors.Is(err, parcel.ErrUnreadable) {
			return err
		}
	}
	return err
}

// A leftOut is what parcels are without.
type leftOut struct {
	n     int
	named []string
}

func (l *leftOut) add(rest admin.Rest) {
	if rest.Unreadable > 0 {
		l.n += rest.Unreadable
		l.named = append(l.named, rest.Named)
	}
}

func (l *leftOut) failure() error {
	if l.n == 0 {
		return nil
	}
	what := map[bool]string{true: "1 submission that the disk cannot read was", false: fmt.Sprintf("%d submissions that the disk cannot read were", l.n)}[l.n == 1]
	err := fmt.Errorf("%s left out: %s", what, strings.Join(l.named, ", "))
	return cli.Failure{Err: err, Code: exitDamaged, Hint: "what was written is whole but for them, and desks will miss them; stop the server, and see what is damaged with: sourdine vault verify --home DIR"}
}

var sizeForm = regexp.MustCompile(`^([1-9][0-9]{0,14}) ?([KMGT]?)(i?)B?$`)

// parseSize reads "4GB" (powers of 1000), "4GiB" (of 1024) or plain bytes.
func parseSize(text string) (int64, error) {
	m := sizeForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || m[2] == "" && m[3] != "" {
		return 0, errors.New("not a size")
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, err
	}
	step := int64(1000)
	if m[3] != "" {
		step = 1024
	}
	for range strings.Index(" KMGT", m[2]) { // 0 for none
		if n > (1<<62)/step {
			return 0, errors.New("not a size")
		}
		n *= step
	}
	return n, nil
}
