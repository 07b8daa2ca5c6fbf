package import FirnFiles
package import FirnGraph

/// Writes `.npz` files as `numpy.savez` does: stored, not packed.
package enum NumPyWriter {
  package static func write(_ weights: Weights, to file: FileWriter) throws(FirnError) {
    var archive = ZipWriter(file)
    for entry in weights.entries {
      try archive.add(
        entry.name + ".npy", header: NumPyHeader.written(entry), try entry.storedBytes())
    }
    try archive.finish()
  }
}
