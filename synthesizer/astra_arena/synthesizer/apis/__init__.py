"""Documents of APIs become environments: resources, rows, tools of the same schemas, tasks."""
