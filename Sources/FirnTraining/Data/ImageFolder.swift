internal import FirnFiles
public import FirnGraph
internal import Foundation

/// Pictures in folders, a folder for each class: `birch/001.png`, `oak/017.pgm`.
///
///     let folder = try ImageFolder("leaves")
///     let data = try DataSet([x: folder.images, y: folder.labels])
public struct ImageFolder: Sendable {
  /// The names of the folders, in alphabetical order, by bytes; a class is its place among them.
  public let classes: [String]
  /// The files, class by class, in alphabetical order.
  public let paths: [String]
  /// `f32[count, height, width, channels]`, levels from 0 to 1.
  public let images: NDArray
  /// `i32[count]`.
  public let labels: NDArray

  /// Reads all `.png`, `.pbm`, `.pgm`, `.ppm` and `.pnm` files of a folder's folders; other files are passed over.
  ///
  /// What is in a file is told by how it begins, and read as ``PNGImage`` and ``PNMImage`` say. All headers are read
  /// before any picture is.
  ///
  /// - Throws: `.file` where something cannot be read, or there is no picture in a class; `.parse` for a damaged one;
  ///   `.shapeMismatch` where two are not of one size, with their names; `.invalidArgument` where all together are more
  ///   than fits in the memory that is free.
  /// - Complexity: O(pixels), in time and in memory.
  public init(_ path: String) throws(FirnError) {
    let names = try Self.names(in: path).filter { Self.isFolder(path + "/" + $0) }
    var (paths, labels, shape) = ([String](), [Int32](), [Int]())
    for (label, name) in names.enumerated() {
      let files = try Self.names(in: path + "/" + name).filter { file in
        [".png", ".pbm", ".pgm", ".ppm", ".pnm"].contains { file.lowercased().hasSuffix($0) }
      }
      guard !files.isEmpty else {
        throw FirnError(
          .file, "'\(path)/\(name)' holds no PNG, PBM, PGM or PPM picture",
          remedy: "remove the folder, or convert its pictures", place: path + "/" + name)
      }
      for file in files {
        let full = path + "/" + name + "/" + file
        let own = try Self.shape(ofPicture: full)
        if let first = paths.first, own != shape {
          throw FirnError(
            .shapeMismatch, "'\(full)' is \(Shape(own)), '\(first)' is \(Shape(shape))",
            remedy: "bring all pictures to one size and one number of channels", place: full)
        }
        shape = own
        paths.append(full)
        labels.append(Int32(label))
      }
    }
    guard !paths.isEmpty else {
      throw FirnError(
        .file, "'\(path)' holds no folders with pictures", remedy: "give a folder with one folder a class",
        place: path)
    }
    classes = names
    self.paths = paths
    images = try Self.pictures(paths, of: shape, in: path)
    self.labels = NDArray(labels)
  }

  /// All pictures, one behind the other.
  private static func pictures(
    _ paths: [String], of shape: [Int], in folder: String
  ) throws(FirnError) -> NDArray {
    var images: NDArray
    do throws(FirnError) {
      try ArrayType(.f32, [paths.count] + shape).requireMemory(
        for: "reading \(paths.count) pictures of \(Shape(shape)) from '\(folder)'")
      images = try NDArray(zeros: [paths.count] + shape)
    } catch {
      var error = error
      error.remedy = "make the pictures smaller, or read some at a time, as a `SequenceBatches`"
      error.place = folder
      throw error
    }
    for (place, path) in paths.enumerated() {
      let image = try picture(path)
      guard image.shape == shape else {
        throw FirnError(
          .file, "'\(path)' changed while the folder was read", remedy: "read it again", place: path)
      }
      images.replace(
        Block(axis: 0, range: place..<place + 1), with: try image.reshaped(to: [1] + shape))
    }
    return images
  }

  /// What the header says.
  private static func shape(ofPicture path: String) throws(FirnError) -> [Int] {
    let bytes = try MappedFile.open(path)
    if bytes.starts(with: PNGReader.signature) { return try PNGReader(bytes, source: path).shape() }
    var reader = PNMReader(bytes, source: path)
    return try reader.header().shape
  }

  /// `f32[height, width, channels]`.
  private static func picture(_ path: String) throws(FirnError) -> NDArray {
    let bytes = try MappedFile.open(path)
    if bytes.starts(with: PNGReader.signature) { return try PNGReader(bytes, source: path).image().array }
    var reader = PNMReader(bytes, source: path)
    return try reader.image().array
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// What is not hidden.
  private static func names(in path: String) throws(FirnError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }
        .sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    } catch {
      throw FirnError(
        .file, "cannot read the folder '\(path)': \(FileReason.words(error))",
        remedy: "check the path and its permissions", place: path)
    }
  }
}
