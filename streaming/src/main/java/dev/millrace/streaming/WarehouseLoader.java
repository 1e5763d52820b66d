package dev.millrace.streaming;

import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.flink.CatalogLoader;

/** Opens the warehouse's catalog in a task. */
final class WarehouseLoader implements CatalogLoader {

  private static final long serialVersionUID = 1L;

  private final String catalog;
  private final String warehouse;

  WarehouseLoader(Target target) {
    this(target.catalog(), target.warehouse());
  }

  private WarehouseLoader(String catalog, String warehouse) {
    this.catalog = catalog;
    this.warehouse = warehouse;
  }

  @Override
  public Catalog loadCatalog() {
    return Warehouse.open(catalog, warehouse);
  }

  // The interface asks for a clone; the fields are immutable, so a new object is one.
  @SuppressWarnings("MethodDoesntCallSuperMethod")
  @Override
  public CatalogLoader clone() {
    return new WarehouseLoader(catalog, warehouse);
  }
}
