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
  /// What is in a file is told by how it begins, and read as ``PNGImage`` and ``PNMImage`` say.
  ///
  /// - Throws: `.file` where something cannot be read, or there is no picture in a class; `.parse` for a damaged one;
  ///   `.shapeMismatch` where two are not of one size, with their names.
  public init(_ path: String) throws(FirnError) {
    let names = try Self.names(in: path).filter { Self.isFolder(path + "/" + $0) }
    var (paths, labels, values, shape) = ([String](), [Int32](), [Float](), [Int]())
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
        let image = try Self.picture(full)
        if let first = paths.first, image.shape != shape {
          throw FirnError(
            .shapeMismatch, "'\(full)' is \(Shape(image.shape)), '\(first)' is \(Shape(shape))",
            remedy: "bring all pictures to one size and one number of channels", place: full)
        }
        shape = image.shape
        paths.append(full)
        labels.append(Int32(label))
        values += image.floats
      }
    }
    guard !paths.isEmpty else {
      throw FirnError(
        .file, "'\(path)' holds no folders with pictures", remedy: "give a folder with one folder a class",
        place: path)
    }
    classes = names
    self.paths = paths
    images = try NDArray(values, shape: [paths.count] + shape)
    self.labels = NDArray(labels)
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
