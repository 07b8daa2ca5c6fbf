internal import FirnFiles
internal import FirnGraph

/// A file as a command line names it: a path, a pipe, or `-` for the standard input.
struct InputFile {
  /// What `-` is called.
  static let standardInput = "standard input"

  /// As it was written; what errors and reports call it.
  let name: String
  /// As the file system is asked for it.
  let path: String
  /// What a pipe gave; nil for a file on the disk, which is read where it lies.
  let bytes: Bytes?

  /// - Parameter mayBe: whether bytes that begin so can be what is wanted; of one that cannot the rest is not read.
  /// - Throws: `UsageError` where the standard input is asked for twice, `FileFailure` where the standard input, a
  ///   pipe or a device cannot be read, gives nothing, or more than there is memory for.
  init(_ written: String, in shell: Shell, where mayBe: (Bytes) -> Bool) throws {
    path = shell.resolved(written)
    if written == "-" {
      let read: Bytes?
      do throws(FirnError) {
        read = try shell.input(mayBe)
      } catch {
        throw FileFailure(error: error)
      }
      guard let read else {
        throw UsageError(
          "firn", "the standard input is read twice", remedy: "name one of the files, or write `<(command)`")
      }
      (name, bytes) = (Self.standardInput, read)
    } else if Platform.kind(of: path) == .stream {
      name = written
      do throws(FirnError) {
        bytes = try StreamFile.read(path, while: mayBe)
      } catch {
        throw FileFailure(error: error)
      }
    } else {
      (name, bytes) = (written, nil)
    }
  }

  /// The error under the name as it was written.
  func naming(_ error: FirnError) -> FileFailure {
    var error = error
    if error.place == path { error.place = name }
    error.message = error.message.replacing("'\(path)'", with: "'\(name)'")
    error.remedy = error.remedy?.replacing("'\(path)'", with: "'\(name)'")
    return FileFailure(error: error)
  }
}
