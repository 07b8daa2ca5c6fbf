/// A kind of file that holds weights.
public enum WeightFormat: String, Hashable, Sendable, CaseIterable {
  /// A table of named tensors and metadata, of any stored type; what Firn writes unless told otherwise.
  case safetensors
  /// One array of NumPy's.
  case npy
  /// NumPy's archive of named arrays.
  case npz
  /// What `torch.save` writes of a `state_dict`; what Firn writes, `torch.load(…, weights_only=True)` reads.
  case pytorch
  /// Only read: a checkpoint of TensorFlow, version 2, named by its prefix or its `.index` file.
  case tensorFlow = "tensorflow"

  /// The one that files with this ending have; nil for endings that say nothing.
  public init?(path: String) {
    let endings: [(String, WeightFormat)] = [
      (".safetensors", .safetensors), (".npy", .npy), (".npz", .npz), (".pt", .pytorch), (".pth", .pytorch),
      (".index", .tensorFlow),
    ]
    guard let format = endings.first(where: { path.hasSuffix($0.0) })?.1 else { return nil }
    self = format
  }
}
