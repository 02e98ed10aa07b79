package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault"
	"sourdine/vault/admin"
)

func parcelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "parcel COMMAND", Short: "what is carried between server and desk",
		Example: "  sourdine parcel export --home /var/lib/sourdine -o parcel.tar",
		RunE:    cli.Group,
	}
	cmd.AddCommand(parcelExportCommand(), parcelApplyCommand())
	return cmd
}

func parcelExportCommand() *cobra.Command {
	var home, output, after string
	cmd := &cobra.Command{
		Use:   "export --home DIR -o FILE [--after ID]",
		Short: "write a parcel for the desks",
		Long: `export writes everything received so far, sealed, into a parcel that desks
import. It is a plain tar, signed by the vault's key. FILE appears whole or not
at all, and replaces an older one; "-" is standard output.

When it is too much for one parcel, export says so and how many submissions are
left; --after ID, with the id that it prints, writes the next parcel. Desks
import each of them.`,
		Example: "  sourdine parcel export --home /var/lib/sourdine -o /media/stick/parcel.tar",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := vault.ParseID(after); after != "" && err != nil {
				return cli.Failure{Err: errors.New("--after is not the id of a submission"), Code: cli.Usage, Hint: "take the id that an export printed"}
			}
			return withAdmin(home, func(a admin.Admin) error {
				var rest admin.Rest
				write := func(ctx context.Context, w io.Writer) (err error) {
					rest, err = a.ExportParcel(ctx, w, after)
					return err
				}
				if err := writeParcel(cmd, output, write); err != nil {
					return err
				}
				if rest.Count > 0 {
					fmt.Fprintf(cmd.ErrOrStderr(), "%d submissions did not fit; export them into another file with --after %s\n", rest.Count, rest.After)
				}
				return nil
			})
		},
	}
	addHome(cmd, &home)
	cmd.Flags().StringVarP(&output, "output", "o", "", `the parcel's file, or "-" (required)`)
	_ = cmd.MarkFlagRequired("output") // fails only for a flag that is not there
	cmd.Flags().StringVar(&after, "after", "", "begin behind this submission, where an earlier parcel ended")
	return cmd
}

func writeParcel(cmd *cobra.Command, output string, write func(context.Context, io.Writer) error) error {
	if output == "-" {
		return write(cmd.Context(), cmd.OutOrStdout())
	}
	return writeWhole(cmd.Context(), output, write)
}

// writeWhole writes beside path, syncs, and moves it there when it is whole: a
// stick that is full or pulled leaves no half parcel under that name.
func writeWhole(ctx context.Context, path string, write func(context.Context, io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("failed to write the parcel: %s is not a file", path) // /dev/null would be replaced
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sourdine-parcel-")
	if err != nil {
		return cli.Failure{Err: fmt.Errorf("failed to write the parcel: %w", err), Code: cli.Failed, Hint: "choose a folder that exists and where you may write"}
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(ctx, f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("failed to write the parcel: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("failed to write the parcel: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder waits until a new name is on the stick. Some filesystems do not
// offer that for folders; they are not asked again.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("failed to sync the parcel's folder: %w", err)
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if err := errors.Join(err, d.Close()); err != nil {
		return fmt.Errorf("failed to sync the parcel's folder: %w", err)
	}
	return nil
}

func parcelApplyCommand() *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "apply --home DIR FILE",
		Short: "apply a desk's return parcel (not yet in this version)",
		Long: `apply will take what desks send back. Parcels of this version go from the
server to the desk only, so it refuses every file, and says so.`,
		Example: "  sourdine parcel apply --home /var/lib/sourdine return.tar",
		Args:    cli.Args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return unreadable("parcel", err)
			}
			defer f.Close()
			return withAdmin(home, func(a admin.Admin) error { return a.ApplyParcel(cmd.Context(), f) })
		},
	}
	addHome(cmd, &home)
	return cmd
}
